"""The decomposition of a bound into its terms, and the active units of latents.

loss terms     the terms of the loss as means over rows: log p(x | z), KL(q || p), ...
active units   the entries u of a latent with Cov_x(E[u | x]) > 0.01
(Burda, Grosse and Salakhutdinov 2016, section 5.1)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.data.unpaired import Unpaired
from specc.engine.order.streams import Stream, noise_at
from specc.engine.schedule.scalars import final_scalars
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import one_shared_draw
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.scoring import fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.runtime.failure import RunFailure
from specc.runtime.losses import metric_names

GUIDE = "guide.sample_and_log_prob"
ACTIVE = 0.01
BATCH = 100
BATCHES = 200
PARTICLES = 32
SHARED = "guide.sample_global"
SHARED_DRAWS = 8
MOST_DRAWS, LEAST_DRAWS = 100, 20
MOST_BATCHES = 4000
"""Batches over all draws of a sampler that determine the number of these draws."""


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A mean over rows, and the standard error of that mean."""

    value: float
    standard_error: float


@torch.inference_mode()
def loss_terms(loaded: LoadedRun, part: str = "test", seed: int = 0) -> dict[str, MeanEstimate]:
    """The terms of the loss on a part of the data, each a mean over rows with its standard error.

    Up to 200 rows are batches of their own, so that the error is that of the values of rows; more
    rows are divided into 200 batches, or into those of 100 rows from 20,000 rows on, and the error
    is that of the means of batches, which has the same expectation. A loss with a function of all
    rows of a batch has batches of 100 rows, or of a quarter of fewer than 200. The error is nan for
    one row. With a sampler a term is a mean over 20 to 100 draws of the posterior,
    E_w[log p(x | w)]. If the guide draws latents that all rows share, each batch has 8 draws of
    them: the means are expectations under the guide, and the error includes the variance over
    draws. There are none of a part that one of several sources does not have, nor of a loss with
    latents of the training rows, nor of a sampler that has no draw yet.
    """
    sources = () if loaded.data is None else loaded.data.unpaired
    sampler = loaded.manifest.sampler
    has_chains = any(own.of_rows for loss in loaded.manifest.losses for own in loss.state)
    if (
        has_chains
        or (sampler is not None and sampler.rows)
        or any(part not in own.parts for own in sources)
    ):
        return {}
    rows, program = loaded.batched(part), loaded.program
    losses = loaded.manifest.losses
    shares_batch = any(loss.over_rows or loss.subsample for loss in losses)
    if isinstance(rows, Unpaired):
        rows = replace(rows, sizes=tuple(_size(len(own), shares_batch) for own in rows.sources))
    size = len(rows) if loaded.manifest.coupled else _size(len(rows), shares_batch)
    found: dict[str, list[float]] = {}
    counts, observed = [], rows.observed_fractions()
    slices = [*rows.slices(size)]
    most = min(MOST_DRAWS, max(LEAST_DRAWS, MOST_BATCHES // len(slices)))
    try:
        draws = PosteriorDraws.of(loaded, most)
    except RunFailure:
        return {}
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        for start, index, share in slices:
            batch = fixed_batch(loaded, rows, index, seed)
            counts.append(round(share * len(rows)))
            for name, value in _over_draws(loaded, batch, (seed, start), observed, draws).items():
                found.setdefault(name, []).append(value)
    return {name: _mean_estimate(values, counts) for name, values in found.items()}


def averaged_over(loaded: LoadedRun) -> str:
    """What the terms of a loss are averaged over beside rows; "" if it is nothing."""
    if loaded.manifest.sampler is not None:
        return "draws of the posterior"
    return "draws of the guide" if loaded.program.can(SHARED) else ""


def _over_draws(
    loaded: LoadedRun,
    batch: Batch,
    at: tuple[int, int],
    observed: Mapping[str, float],
    draws: PosteriorDraws | None,
) -> dict[str, float]:
    """The terms of every loss on a batch, each a mean over draws of a sampler, if there are some.

    At the single values that the program happens to have they would be those of one draw.
    """
    if draws is None:
        return _values(loaded, batch, at, observed)
    found: dict[str, float] = {}
    for _ in draws.each():
        for name, value in _values(loaded, batch, at, observed).items():
            found[name] = found.get(name, 0.0) + value / len(draws)
    return found


def _size(rows: int, shares_batch: bool) -> int:
    """The rows of a batch: as few as 200 batches allow if rows do not depend on their batch."""
    if not shares_batch:
        return min(BATCH, math.ceil(rows / BATCHES))
    return BATCH if rows >= 2 * BATCH else math.ceil(rows / 4)


def _values(
    loaded: LoadedRun, batch: Batch, at: tuple[int, int], observed: Mapping[str, float]
) -> dict[str, float]:
    """The terms of every loss on a batch, each a mean over draws of the shared latents.

    With several losses the names have the prefixes of the metrics of training.
    """
    program, (seed, start) = loaded.program, at
    draws = SHARED_DRAWS if program.can(SHARED) else 1
    train, found = len(loaded.rows("train")), dict[str, float]()
    for loss, draw in itertools.product(program.manifest.losses, range(draws)):
        counters = (1, start, draw) if draw else (1, start)
        noise = noise_at(seed, Stream.EVALUATE, *counters, device=loaded.device)
        scalars = final_scalars(loss, train, observed)
        result = program.loss(loss.name, loaded.state_of(loss), batch, noise, scalars)
        keys = metric_names(program.manifest.losses, loss, result.metrics)
        for key, value in zip(keys, result.metrics.values(), strict=True):
            found[key] = found.get(key, 0.0) + value.item() / draws
    return found


def _mean_estimate(values: list[float], counts: list[int]) -> MeanEstimate:
    total = sum(counts)
    mean = sum(v * c for v, c in zip(values, counts, strict=True)) / total
    if len(values) < 2:
        return MeanEstimate(mean, math.nan)
    squares = sum(c * (v - mean) ** 2 for v, c in zip(values, counts, strict=True)) / total
    return MeanEstimate(mean, math.sqrt(squares / (len(values) - 1)))


@torch.inference_mode()
def active_units(
    loaded: LoadedRun, part: str = "test", seed: int = 0
) -> dict[str, tuple[int, int]]:
    """The number of active entries and of all entries, for each local real-valued latent.

    E[u | x] is a mean over 32 draws; the variance that these draws add is subtracted. With fewer
    than two rows the result is empty.
    """
    program = loaded.program
    rows = loaded.rows(part, program.capabilities.get(GUIDE, ()))
    if not program.can(GUIDE) or len(rows) < 2:
        return {}
    moments: dict[str, list[tuple[Tensor, Tensor]]] = {}
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        for start in range(0, len(rows), BATCH):
            batch = fixed_batch(loaded, rows, slice(start, min(start + BATCH, len(rows))), seed)
            noise = noise_at(seed, Stream.EVALUATE, 2, start, device=loaded.device)
            known = {**batch, **one_shared_draw(program, noise, PARTICLES)}
            latents, _ = program.require(GUIDE)(noise, PARTICLES, **program.inputs(GUIDE, known))
            for name, value in latents.items():
                if _is_local(loaded, name) and value.is_floating_point():
                    own = value.double()
                    moments.setdefault(name, []).append((own.mean(0), own.var(0)))
    return {name: _active(found) for name, found in moments.items()}


def _is_local(loaded: LoadedRun, name: str) -> bool:
    node = loaded.manifest.nodes["model"].get(name)
    return node is not None and not node.is_global


def _active(moments: list[tuple[Tensor, Tensor]]) -> tuple[int, int]:
    means = torch.cat([mean for mean, _ in moments])
    noise = torch.cat([variance for _, variance in moments]).mean(0) / PARTICLES
    covariance = means.var(0) - noise
    return int((covariance > ACTIVE).sum()), covariance.numel()
