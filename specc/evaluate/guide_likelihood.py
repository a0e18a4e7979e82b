"""Log p(x | w) of all training rows at draws w ~ q(w) of the latents that rows share.

If rows have latents z of their own, which the guide draws, too, it is the estimate

    log 1/K sum_k p(x, z_k | w) / q(z_k | x, w),  z_k ~ q(z | x, w)

for each row. Its exponential is right on average, so weights with the product over rows in place of
p(data | w) still average to the evidence, and a row that is left out has right weights (Andrieu and
Roberts 2009, The pseudo-marginal approach). Their tail is heavier, for a finite K.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
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
"""The largest number of draws of the latents of each row for each draw of shared latents."""

FEWEST_DRAWS = 100
"""Draws of shared latents below which there is no estimate, unless the guide has fewer."""

MOST_BYTES = 2 << 30
"""Bytes of the largest tensors of all calls above which there are fewer particles and draws."""


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
        batches = _batches(loaded, rows, BATCH, seed)
        found = ((batch, draws.log_likelihood(batch)) for _, batch in batches)
        return _joined(loaded, found, len(draws), len(rows))
    if loaded.manifest.energy is not None or not has_bound(loaded.manifest):
        return None
    estimate = _Estimate.of(loaded, draws, rows, seed)
    if estimate.count < min(FEWEST_DRAWS, len(draws)):
        return None
    batches = _batches(loaded, rows, min(BATCH, estimate.size), seed)
    found = ((batch, estimate.log_likelihood(batch, start)) for start, batch in batches)
    return _joined(loaded, found, estimate.count, len(rows), estimate.particles)


@dataclass(frozen=True, slots=True)
class _Estimate:
    """The estimate by draws of the latents of rows, at as many draws as there is time for.

    It is at the first `count` draws of shared latents, by `particles` draws of those of each row.
    `size` is the number of rows times draws that are computed together.
    """

    loaded: LoadedRun
    draws: GuideDraws
    seed: int
    count: int = 1
    particles: int = 1
    size: int = 1

    @classmethod
    def of(cls, loaded: LoadedRun, draws: GuideDraws, rows: Rows, seed: int) -> _Estimate:
        """The estimate for rows with as many draws and particles as `MOST_BYTES` allows."""
        first, few = fixed_batch(loaded, rows, slice(0, 1), seed), min(4, len(draws))
        trial = cls(loaded, draws, seed)
        each = max(1.0, largest(lambda: trial.log_weights(first, slice(0, few), 0)) / few)
        affordable = MOST_BYTES / (each * len(rows))
        count = int(min(len(draws), affordable))
        particles = int(min(MOST_PARTICLES, max(1.0, affordable / max(1, count))))
        size = max(1, int(BUDGET / (each * particles)))
        return cls(loaded, draws, seed, count, particles, size)

    def log_weights(self, batch: Batch, chosen: slice, start: int) -> Tensor:
        """Log p(x, z | w) / q(z | x, w) of all particles of chosen draws, [members, rows].

        `start` is the number of the first row.
        """
        loaded = self.loaded
        noise = noise_at(self.seed, Stream.EVALUATE, 1, start, chosen.start, device=loaded.device)
        shared = self.draws.repeated(chosen, self.particles)
        members = self.particles * (chosen.stop - chosen.start)
        log_p, log_q = proposed_given(loaded.program, noise, members, batch, shared)
        return (log_p - log_q).double()

    def log_likelihood(self, batch: Batch, start: int) -> Tensor:
        """Log p(x | w) of the rows of a batch, of which the first has a number: [draws, rows]."""
        step, found = max(1, self.size // len(next(iter(batch.values())))), []
        for lowest in range(0, self.count, step):
            chosen = slice(lowest, min(lowest + step, self.count))
            log_w = self.log_weights(batch, chosen, start)
            of_draws = log_w.reshape(-1, self.particles, log_w.shape[-1])
            found.append(of_draws.logsumexp(1) - math.log(self.particles))
        return torch.cat(found)


def _batches(loaded: LoadedRun, rows: Rows, size: int, seed: int) -> Iterator[tuple[int, Batch]]:
    """Batches of all rows with the number of the first row: one if rows depend on each other."""
    size = len(rows) if loaded.manifest.coupled else size
    for start in range(0, len(rows), size):
        yield start, fixed_batch(loaded, rows, slice(start, min(start + size, len(rows))), seed)


def _joined(
    loaded: LoadedRun,
    found: Iterable[tuple[Batch, Tensor]],
    draws: int,
    rows: int,
    particles: int = 0,
) -> RowLikelihood:
    """The densities of batches, [draws, rows] each, as those of all rows."""
    total = torch.zeros(draws, dtype=torch.float64, device=loaded.device)
    keeps = draws * rows <= MOST_DENSITIES and not loaded.manifest.coupled
    pieces, batches = [], []
    for batch, densities in found:
        total += densities.sum(1)
        if keeps:
            pieces.append(densities)
            batches.append(batch)
    if not keeps:
        return RowLikelihood(total, None, {}, particles)
    every = {name: torch.cat([own[name] for own in batches]) for name in batches[0]}
    return RowLikelihood(total, torch.cat(pieces, 1), every, particles)
