"""Log p of rows, exactly or by a bound, in pieces that fit: what the figures of rows are made of.

    exact   log p(x), where the program computes it (`model.log_prob`), or has no latents
    iwae    log 1/K sum_k p(x, z_k) / q(z_k | x), z_k ~ q(z | x)    (Burda et al. 2016, eq. 8)
    elbo    1/K sum_k log p(x, z_k) / q(z_k | x)

Nothing here knows a family of models: an estimator asks the program for what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.data.load import Batch, Rows
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.memory import BUDGET, GPU_BUDGET, Piece, largest, piece_for
from specc.evaluate.pareto import Tail
from specc.evaluate.solved import solved
from specc.evaluate.weights import LogSums
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest
from specc.runtime.program import Program

PROBE_PARTICLES = 4

Advance = Callable[[float], None]
"""Called with the share of the work that is done; it may raise, to stop."""


@dataclass(frozen=True, slots=True)
class Request:
    """A figure that is asked for: the estimator, its particles, and the rows it is of."""

    estimator: str = "iwae"
    particles: int = 1000
    part: str = "test"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Scored:
    """Log p of some rows: [rows], in float64.

    `effective` is the effective sample size of each row and `shapes` the shape of the tail of its
    weights, None where there are no weights, or too few.
    """

    values: Tensor
    effective: Tensor | None = None
    shapes: Tensor | None = None


class Scorer:
    """Scores the rows of a request; `scoring` makes one, and its work is done within that."""

    def __init__(self, opened: OpenRun, rows: Rows, request: Request, estimator: str) -> None:
        self.opened = opened
        self.rows = rows
        self.estimator = estimator
        self.seed = request.seed
        self.particles = 1 if estimator == "exact" else request.particles
        self.limit = len(rows) if request.rows is None else min(request.rows, len(rows))
        self.piece = self._fitting()

    def batches(self, advance: Advance) -> Iterator[tuple[int, Batch, Advance]]:
        """The rows in order: the number of the first, the rows, and what follows their progress.

        What is binarized is drawn once for each row, whatever the size of the pieces.
        """
        for start in range(0, self.limit, self.piece.rows):
            stop = min(start + self.piece.rows, self.limit)
            batch = fixed(self.opened, self.rows, slice(start, stop), self.seed)
            yield start, batch, within(advance, start / self.limit, stop / self.limit)

    def score(self, batch: Batch, start: int, advance: Advance) -> Scored:
        """Log p of a batch, whose draws follow from the number of its first row."""
        if self.estimator == "exact":
            values = exact(self.opened.program, batch).double()
            advance(1.0)
            return Scored(values)
        sums = LogSums(len(next(iter(batch.values()))), self.opened.device)
        tail = Tail(self.particles)
        while sums.particles < self.particles:
            count = min(self.piece.particles, self.particles - sums.particles)
            log_p, log_q = proposed(self.opened, batch, count, self.seed, start, sums.particles)
            sums.add(log_p - log_q)
            tail.add(log_p, log_q)
            advance(sums.particles / self.particles)
        values = sums.log_mean() if self.estimator == "iwae" else sums.mean_log()
        return Scored(values, sums.effective(), tail.shape())

    def _fitting(self) -> Piece:
        """How much fits at once, found by looking at a few particles of one row."""
        opened, few = self.opened, min(PROBE_PARTICLES, self.particles)
        batch = fixed(opened, self.rows, slice(0, 1), self.seed)
        if self.estimator == "exact":
            found = largest(lambda: exact(opened.program, batch))
        else:
            found = largest(lambda: log_weights(opened, batch, few, self.seed))
        budget = BUDGET if opened.device.type == "cpu" else GPU_BUDGET
        return piece_for(found / few, self.limit, self.particles, budget)


@contextmanager
def scoring(opened: OpenRun, request: Request) -> Iterator[Scorer]:
    """What scores the rows of a request, within the precision and the threads of the run.

    Raises RunFailure E0509 where the data has no such part, E0813 where the program allows no such
    estimate.
    """
    rows, program = opened.rows(request.part), opened.program
    estimator = choose(program.manifest, request.estimator)
    program.eval()
    with opened.computing(), torch.inference_mode(), solved(program.folder):
        yield Scorer(opened, rows, request, estimator)


def choose(manifest: Manifest, wanted: str) -> str:
    """The estimator to use: an exact value, where there is one, is better than a bound.

    Raises RunFailure E0813 where the program has neither; what a spec asks for under `evaluate:`
    the compiler has refused before, for the same reasons.
    """
    # Beside latents the guide draws data where they have no value.
    drawn, known = manifest.latents("model") + manifest.latents("guide"), manifest.capabilities
    if "model.log_prob" in known or (not drawn and "model.log_joint" in known):
        return "exact"
    refusal = _refusal(manifest, wanted)
    if refusal is None:
        return wanted
    problem, hint = refusal
    message = f"the estimate `{wanted}` cannot be made for the program `{manifest.name}`: {problem}"
    raise RunFailure("E0813", message, hint=hint, exit_code=USAGE)


def _refusal(manifest: Manifest, wanted: str) -> tuple[str, str] | None:
    """Why a program without an exact log p(x) has no such estimate, and what to do about it."""
    nodes, known = manifest.nodes["model"], manifest.capabilities
    for name in manifest.latents("model"):
        if nodes[name].is_global:
            why = f"`{name}` belongs to all rows at once, so no row has a likelihood of its own"
            return why, "the parts of the loss say how well it fits"
    for capability in ("model.log_joint", "guide.sample"):
        if capability not in known:
            return f"it has no `{capability}`", f"it has {', '.join(sorted(known)) or 'nothing'}"
    for name in manifest.latents("model"):
        if name in known["model.log_joint"] and name not in manifest.latents("guide"):
            why = f"the guide draws other latents, but not `{name}`, which is summed out"
            return why, f"let the guide draw `{name}`, too"
    if wanted == "exact":
        return "it has no `model.log_prob`", "`iwae` is a bound by draws from the guide"
    return None


def exact(program: Program, batch: Batch) -> Tensor:
    """Log p(x) of each row, where `choose` says that the program computes it: [rows]."""
    name = exact_name(program)
    value: Tensor = program.require(name)(**program.inputs(name, batch))
    return value


def exact_name(program: Program) -> str:
    """The capability that is log p(x): without latents that is the joint density, too."""
    return "model.log_prob" if program.can("model.log_prob") else "model.log_joint"


def log_weights(opened: OpenRun, batch: Batch, particles: int, seed: int, *counters: int) -> Tensor:
    """Log p(x, z) - log q(z | x) of fresh particles: [particles, rows]."""
    log_p, log_q = proposed(opened, batch, particles, seed, *counters)
    return log_p - log_q


def proposed(
    opened: OpenRun, batch: Batch, particles: int, seed: int, *counters: int
) -> tuple[Tensor, Tensor]:
    """Log p(x, z) and log q(z | x) of fresh particles: [particles, rows] each."""
    program = opened.program
    noise = noise_at(seed, Stream.EVALUATE, *counters, device=opened.device)
    sample, log_joint = program.require("guide.sample"), program.require("model.log_joint")
    latents, log_q = sample(noise, particles, **program.inputs("guide.sample", batch))
    known = {**batch, **latents}
    return log_joint(**program.inputs("model.log_joint", known)), log_q


def fixed(opened: OpenRun, rows: Rows, index: slice, seed: int) -> Batch:
    """The rows at `index`, with draws that depend on the seed and the row's number alone."""
    parts = []
    for row in range(index.start, index.stop):
        noise = noise_at(seed, Stream.DATA, row, device=opened.device)
        parts.append(rows.batch(slice(row, row + 1), noise))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def within(advance: Advance, first: float, last: float) -> Advance:
    """Follows a part of the work, which takes the whole from `first` to `last`."""
    return lambda share: advance((1.0 - share) * first + share * last)
