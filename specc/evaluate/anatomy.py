"""What a bound is made of, and which latents carry information.

parts          the terms of the spec's own loss, as means over rows: log p(x | z), KL(q || p), ...
active units   the entries u of a latent with Cov_x(E[u | x]) > 0.01
(Burda, Grosse and Salakhutdinov 2016, section 5.1)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.scoring import fixed
from specc.evaluate.solved import solved

GUIDE = "guide.sample"
ACTIVE = 0.01
BATCH = 100
PARTICLES = 32
SHARED = "guide.sample_shared"
SHARED_DRAWS = 8


@dataclass(frozen=True, slots=True)
class Share:
    """One term: its mean over rows, and the standard error of that mean."""

    value: float
    standard_error: float


@torch.inference_mode()
def parts(opened: OpenRun, part: str = "test", seed: int = 0) -> dict[str, Share]:
    """The terms of the loss on a part of the data, in nats a row, each with its standard error.

    The error is that of means of whole batches of 100 rows, or a quarter of the rows where they are
    fewer than 200, since a loss gives no single rows; it is nan where there is one row. Where rows
    share latents that the guide draws, each batch has draws of its own, 8 of them, so that the
    means are expectations under the guide and the error holds the spread over draws, too.
    """
    rows, program = opened.rows(part), opened.program
    size = BATCH if len(rows) >= 2 * BATCH else math.ceil(len(rows) / 4)
    found: dict[str, list[float]] = {}
    counts, shares = [], rows.shares()
    with opened.computing(), solved(program.folder):
        program.eval()
        for start in range(0, len(rows), size):
            stop = min(start + size, len(rows))
            batch = fixed(opened, rows, slice(start, stop), seed)
            counts.append(stop - start)
            for name, value in _values(opened, batch, (seed, start), shares).items():
                found.setdefault(name, []).append(value)
    return {name: _share(values, counts) for name, values in found.items()}


def _values(
    opened: OpenRun, batch: Batch, at: tuple[int, int], shares: Mapping[str, float]
) -> dict[str, float]:
    """The terms of every loss on a batch, each the mean over the draws of what rows share."""
    program, (seed, start) = opened.program, at
    draws = SHARED_DRAWS if program.can(SHARED) else 1
    train, found = len(opened.rows("train")), dict[str, float]()
    for loss, draw in itertools.product(program.manifest.losses, range(draws)):
        counters = (1, start, draw) if draw else (1, start)
        noise = noise_at(seed, Stream.EVALUATE, *counters, device=opened.device)
        _, values = program.loss(loss.name, batch, noise, train, shares=shares)
        for name, value in values.items():
            found[name] = found.get(name, 0.0) + value.item() / draws
    return found


def _share(values: list[float], counts: list[int]) -> Share:
    total = sum(counts)
    mean = sum(v * c for v, c in zip(values, counts, strict=True)) / total
    if len(values) < 2:
        return Share(mean, math.nan)
    squares = sum(c * (v - mean) ** 2 for v, c in zip(values, counts, strict=True)) / total
    return Share(mean, math.sqrt(squares / (len(values) - 1)))


@torch.inference_mode()
def active_units(opened: OpenRun, part: str = "test", seed: int = 0) -> dict[str, tuple[int, int]]:
    """For each local latent of real numbers: how many of its entries are active, and of how many.

    E[u | x] is a mean over 32 draws; the variance that those draws add to it is taken off again.
    Over one row nothing varies, so there is no answer.
    """
    program, rows = opened.program, opened.rows(part)
    if not program.can(GUIDE) or len(rows) < 2:
        return {}
    moments: dict[str, list[tuple[Tensor, Tensor]]] = {}
    with opened.computing(), solved(program.folder):
        program.eval()
        for start in range(0, len(rows), BATCH):
            batch = fixed(opened, rows, slice(start, min(start + BATCH, len(rows))), seed)
            noise = noise_at(seed, Stream.EVALUATE, 2, start, device=opened.device)
            latents, _ = program.require(GUIDE)(noise, PARTICLES, **program.inputs(GUIDE, batch))
            for name, value in latents.items():
                if _is_local(opened, name) and value.is_floating_point():
                    own = value.double()
                    moments.setdefault(name, []).append((own.mean(0), own.var(0)))
    return {name: _active(found) for name, found in moments.items()}


def _is_local(opened: OpenRun, name: str) -> bool:
    node = opened.manifest.nodes["model"].get(name)
    return node is not None and not node.is_global


def _active(moments: list[tuple[Tensor, Tensor]]) -> tuple[int, int]:
    means = torch.cat([mean for mean, _ in moments])
    noise = torch.cat([variance for _, variance in moments]).mean(0) / PARTICLES
    covariance = means.var(0) - noise
    return int((covariance > ACTIVE).sum()), covariance.numel()
