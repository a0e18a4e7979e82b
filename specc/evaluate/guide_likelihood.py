"""Log p(x | w) of all training rows at draws w ~ q(w) of the latents that rows share.

If rows have latents z of their own, which the guide draws, too, it is the estimate

    log 1/K sum_k p(x, z_k | w) / q(z_k | x, w),  z_k ~ q(z | x, w)

for each row. Its exponential is right on average, so weights with the product over rows in place of
p(data | w) still average to the evidence, and a row that is left out has right weights (Andrieu and
Roberts 2009, The pseudo-marginal approach). Their tail is heavier, for a finite K.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.data.load import Batch, Rows
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import GuideDraws, has_shared_guide
from specc.evaluate.inference_data import MOST_DENSITIES
from specc.evaluate.memory import BUDGET, largest
from specc.evaluate.scoring import fixed_batch, has_bound, proposed_given

BATCH = 4096
"""Rows whose densities are computed together."""

MOST_PARTICLES = 16
FEWEST_DRAWS = 100
MOST_BYTES = 2 << 30
"""Bytes of the largest tensors of all calls above which there are fewer particles and draws."""


@dataclass(frozen=True, slots=True)
class _Density:
    """Log p(x | w) of the rows of a batch, [draws, rows], with the number of its first row."""

    of: Callable[[Batch, int], Tensor]
    draws: int
    particles: int = 0
    batch: int = BATCH


@dataclass(frozen=True, slots=True)
class RowLikelihood:
    """Log p(data | w) of each of `len(total)` draws: [draws].

    `of_rows` is that of each row, [draws, rows], and `rows` the rows; None and no rows if there are
    too many, and if rows depend on each other. `particles` is the number of draws of the latents of
    each row, 0 if rows have none.
    """

    total: Tensor
    of_rows: Tensor | None
    rows: Batch
    particles: int = 0


@torch.no_grad()
def likelihood(loaded: LoadedRun, draws: GuideDraws, seed: int) -> RowLikelihood | None:
    """The likelihood of the training rows at the first of the draws.

    None if the guide does not draw all latents of the rows, or if that takes too long.
    """
    rows = loaded.rows("train", loaded.manifest.observed())
    if has_shared_guide(loaded.manifest):
        density = _Density(lambda batch, _: draws.log_likelihood(batch), len(draws))
        return _over_rows(loaded, rows, density, seed)
    if loaded.manifest.energy is not None or not has_bound(loaded.manifest):
        return None
    density = _estimate(loaded, draws, rows, seed)
    if density.draws < min(FEWEST_DRAWS, len(draws)):
        return None
    return _over_rows(loaded, rows, density, seed)


def _estimate(loaded: LoadedRun, draws: GuideDraws, rows: Rows, seed: int) -> _Density:
    """The estimate by draws of the latents of rows, at as many draws as there is time for."""
    program = loaded.program

    def log_weights(batch: Batch, chosen: slice, particles: int, start: int) -> Tensor:
        noise = noise_at(seed, Stream.EVALUATE, 1, start, chosen.start, device=loaded.device)
        shared = draws.repeated(chosen, particles)
        members = particles * (chosen.stop - chosen.start)
        log_p, log_q = proposed_given(program, noise, members, batch, shared)
        return (log_p - log_q).double()

    first, few = fixed_batch(loaded, rows, slice(0, 1), seed), min(4, len(draws))
    each = max(1.0, largest(lambda: log_weights(first, slice(0, few), 1, 0)) / few)
    affordable = MOST_BYTES / (each * len(rows))
    count = int(min(len(draws), affordable))
    particles = int(min(MOST_PARTICLES, max(1.0, affordable / max(1, count))))
    size = max(1, int(BUDGET / (each * particles)))

    def density(batch: Batch, start: int) -> Tensor:
        step, found = max(1, size // len(next(iter(batch.values())))), []
        for lowest in range(0, count, step):
            chosen = slice(lowest, min(lowest + step, count))
            log_w = log_weights(batch, chosen, particles, start)
            of_draws = log_w.reshape(-1, particles, log_w.shape[-1])
            found.append(of_draws.logsumexp(1) - math.log(particles))
        return torch.cat(found)

    return _Density(density, count, particles, min(BATCH, size))


def _over_rows(loaded: LoadedRun, rows: Rows, density: _Density, seed: int) -> RowLikelihood:
    """The densities of all rows, in batches unless rows depend on each other."""
    total = torch.zeros(density.draws, dtype=torch.float64, device=loaded.device)
    coupled = bool(loaded.manifest.coupled)
    keeps = density.draws * len(rows) <= MOST_DENSITIES and not coupled
    pieces, batches, size = [], [], len(rows) if coupled else density.batch
    for start in range(0, len(rows), size):
        batch = fixed_batch(loaded, rows, slice(start, min(start + size, len(rows))), seed)
        found = density.of(batch, start)
        total += found.sum(1)
        if keeps:
            pieces.append(found)
            batches.append(batch)
    if not keeps:
        return RowLikelihood(total, None, {}, density.particles)
    every = {name: torch.cat([own[name] for own in batches]) for name in batches[0]}
    return RowLikelihood(total, torch.cat(pieces, 1), every, density.particles)
