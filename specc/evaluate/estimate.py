"""How probable held-out data is under a program: exactly, or by a bound with its error.

    exact   log p(x), where the program computes it (`model.log_prob`), or has no latents
    iwae    E[log 1/K sum_k p(x, z_k) / q(z_k | x)], z_k ~ q(z | x)    (Burda et al. 2016, eq. 8)
    elbo    the same of K = 1, averaged over K draws

Nothing here knows a family of models: an estimator asks the program for what it needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.data.load import Batch, Rows
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.memory import BUDGET, GPU_BUDGET, Piece, largest, piece_for
from specc.evaluate.pareto import UNTRUSTED, Tail
from specc.evaluate.weights import LogSums
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.places import located
from specc.runtime.program import Program

PROBE_PARTICLES = 4


@dataclass(frozen=True, slots=True)
class Request:
    """A figure that is asked for: the estimator, its particles, and the rows it is of."""

    estimator: str = "iwae"
    particles: int = 1000
    part: str = "test"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log-likelihood in nats a row, with the standard error of its mean over rows.

    `effective` is the mean effective sample size of the particles, `untrusted` the share of rows
    whose weights have a Pareto shape above 0.7; both are None for an exact value, the latter also
    for fewer than 25 particles. `values` are those of the single rows.
    """

    request: Request
    estimator: str
    value: float
    standard_error: float
    rows: int
    particles: int
    effective: float | None
    untrusted: float | None
    seconds: float
    values: Tensor

    def summary(self) -> dict[str, float | int | str | None]:
        """The figure as JSON."""
        return {
            "estimator": self.estimator,
            "data": self.request.part,
            "rows": self.rows,
            "particles": self.particles,
            "value": self.value,
            "standard_error": self.standard_error,
            "effective_sample_size": self.effective,
            "pareto_k_above_0.7": self.untrusted,
            "seconds": round(self.seconds, 3),
        }


Advance = Callable[[float], None]
"""Called with the share of the work that is done; it may raise, to stop."""


def estimate(opened: OpenRun, request: Request, advance: Advance = lambda done: None) -> Estimate:
    """The figure that is asked for, of an open run.

    Raises RunFailure E0509 where the data has no such part, E0813 where the program allows no such
    estimate.
    """
    rows = opened.rows(request.part)
    limit = len(rows) if request.rows is None else min(request.rows, len(rows))
    program = opened.program
    began = time.monotonic()
    estimator = choose(program, request.estimator)
    opened.program.eval()
    with opened.computing(), torch.inference_mode(), located(program.folder):
        if estimator == "exact":
            values, effective = _exact(opened, rows, limit, request, advance), None
            untrusted = None
        else:
            found = _weighted(opened, rows, limit, request, estimator, advance)
            values, effective, untrusted = found
    error = values.std().item() / limit**0.5 if limit > 1 else float("nan")
    return Estimate(
        request=request,
        estimator=estimator,
        value=values.mean().item(),
        standard_error=error,
        rows=limit,
        particles=1 if estimator == "exact" else request.particles,
        effective=effective,
        untrusted=untrusted,
        seconds=time.monotonic() - began,
        values=values,
    )


def choose(program: Program, wanted: str) -> str:
    """The estimator to use: an exact value, where there is one, is better than a bound.

    Raises RunFailure E0813 where the program has neither.
    """
    manifest = program.manifest
    local = [n for n in manifest.latents("model") if not manifest.nodes["model"][n].is_global]
    every = manifest.latents("model")
    if program.can("model.log_prob") or (not every and program.can("model.log_joint")):
        return "exact"
    missing = [c for c in ("model.log_joint", "guide.sample") if not program.can(c)]
    if wanted == "exact" or missing or len(local) < len(every):
        lacks = missing[0] if missing else "model.log_prob"
        why = f"it has no `{lacks}`"
        if len(local) < len(every):
            why = "it has global latents, which belong to all rows at once"
        message = f"the program `{manifest.name}` allows no estimate `{wanted}`: {why}"
        raise RunFailure("E0813", message, exit_code=USAGE)
    return wanted


def _exact(opened: OpenRun, rows: Rows, limit: int, request: Request, advance: Advance) -> Tensor:
    program = opened.program
    name = "model.log_prob" if program.can("model.log_prob") else "model.log_joint"
    log_prob = program.require(name)

    def compute(batch: Batch) -> Tensor:
        value: Tensor = log_prob(**program.inputs(name, batch))
        return value.double()

    probe = next(_batches(opened, rows, limit, 1, request.seed))[1]
    size = _piece(opened, largest(lambda: compute(probe)), limit, 1).rows
    found = []
    for start, batch in _batches(opened, rows, limit, size, request.seed):
        found.append(compute(batch))
        advance(min(1.0, (start + size) / limit))
    return torch.cat(found).cpu()


def _weighted(
    opened: OpenRun, rows: Rows, limit: int, request: Request, estimator: str, advance: Advance
) -> tuple[Tensor, float, float | None]:
    """The value of each row, the mean effective sample size, and the share of heavy tails."""
    piece = _probe(opened, rows, request, limit)
    bounds, effective, shapes = [], [], []
    for start, batch in _batches(opened, rows, limit, piece.rows, request.seed):
        sums = LogSums(len(next(iter(batch.values()))), opened.device)
        tail = Tail(request.particles)
        while sums.particles < request.particles:
            count = min(piece.particles, request.particles - sums.particles)
            log_w = log_weights(opened, batch, count, request.seed, start, sums.particles)
            sums.add(log_w)
            tail.add(log_w)
            share = sums.particles / request.particles
            advance(min(1.0, (start + share * piece.rows) / limit))
        bounds.append(sums.log_mean() if estimator == "iwae" else sums.mean_log())
        effective.append(sums.effective())
        shapes.append(tail.shape())
    known = [shape for shape in shapes if shape is not None]
    untrusted = (torch.cat(known) > UNTRUSTED).double().mean().item() if known else None
    return torch.cat(bounds).cpu(), torch.cat(effective).mean().item(), untrusted


def log_weights(opened: OpenRun, batch: Batch, particles: int, seed: int, *counters: int) -> Tensor:
    """Log p(x, z) - log q(z | x) of fresh particles: [particles, rows]."""
    program = opened.program
    noise = noise_at(seed, Stream.EVALUATE, *counters, device=opened.device)
    sample, log_joint = program.require("guide.sample"), program.require("model.log_joint")
    latents, log_q = sample(noise, particles, **program.inputs("guide.sample", batch))
    known = {**batch, **latents}
    found: Tensor = log_joint(**program.inputs("model.log_joint", known)) - log_q
    return found


def _batches(
    opened: OpenRun, rows: Rows, limit: int, size: int, seed: int
) -> Iterator[tuple[int, Batch]]:
    """The rows in order; what is binarized is drawn once for each row, whatever the size."""
    for start in range(0, limit, size):
        yield start, fixed(opened, rows, slice(start, min(start + size, limit)), seed)


def fixed(opened: OpenRun, rows: Rows, index: slice, seed: int) -> Batch:
    """The rows at `index`, with draws that depend on the seed and the row's number alone."""
    parts = []
    for row in range(index.start, index.stop):
        noise = noise_at(seed, Stream.DATA, row, device=opened.device)
        parts.append(rows.batch(slice(row, row + 1), noise))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _probe(opened: OpenRun, rows: Rows, request: Request, limit: int) -> Piece:
    particles = min(PROBE_PARTICLES, request.particles)
    batch = fixed(opened, rows, slice(0, 1), request.seed)
    found = largest(lambda: log_weights(opened, batch, particles, request.seed))
    return _piece(opened, found / particles, limit, request.particles)


def _piece(opened: OpenRun, bytes_each: float, rows: int, particles: int) -> Piece:
    budget = BUDGET if opened.device.type == "cpu" else GPU_BUDGET
    return piece_for(bytes_each, rows, particles, budget)
