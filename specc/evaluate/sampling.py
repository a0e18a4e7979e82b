"""Rows drawn from a program, and rows of data as the program reconstructs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.scoring import fixed
from specc.evaluate.solved import solved
from specc.evaluate.units import in_data_units

SAMPLE = "model.sample"
MEAN = "model.mean"
GUIDE = "guide.sample"
SHARED = "guide.sample_shared"


@dataclass(frozen=True, slots=True)
class Drawn:
    """`values` are the nodes of each row; `means` those of the observed nodes given the others.

    A picture of binary data is better looked at by its means. `shared` are the latents of which all
    rows have one draw from the guide.
    """

    values: Mapping[str, Tensor]
    means: Mapping[str, Tensor]
    shared: tuple[str, ...] = ()

    def in_data_units(self, opened: OpenRun) -> Drawn:
        """The same rows, those of standardized fields in the units of the data."""
        values, means = (in_data_units(opened, found) for found in (self.values, self.means))
        return Drawn(values, means, self.shared)

    def shown(self) -> dict[str, Tensor]:
        """The observed nodes by their means where those are known."""
        return {**self.values, **self.means}


@torch.inference_mode()
def sample(opened: OpenRun, rows: int, seed: int = 0, part: str | None = None) -> Drawn:
    """`rows` rows from the model; what is given, where the model needs it, are rows of `part`.

    Held-out rows are the default. Latents that rows share are drawn once, from the guide where it
    draws them: the posterior of the training rows, and not the prior.

    Raises RunFailure E0805 where the program cannot be sampled.
    """
    program = opened.program
    draw = program.require(SAMPLE, "sampling")
    with opened.computing(), solved(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, device=opened.device)
        program.eval()
        needs = program.capabilities[SAMPLE]
        batch = _rows(opened, part or opened.held_out, rows, seed) if needs else {}
        given = program.inputs(SAMPLE, batch) if needs else {}
        shared: dict[str, Tensor] = {}
        if program.can(SHARED):
            shared = program.require(SHARED)(noise_at(seed, Stream.SAMPLE, 2, device=opened.device))
        values = draw(noise, rows, **given, **shared)
        return Drawn(values, _means(opened, {**given, **values}), tuple(shared))


@torch.inference_mode()
def reconstruct(opened: OpenRun, rows: int, seed: int = 0, part: str = "test") -> Drawn:
    """The first rows of a part of the data (`values`), and the model's means given their latents.

    Raises RunFailure E0805 where the program has no guide or no means.
    """
    program = opened.program
    infer = program.require(GUIDE, "reconstruction")
    program.require(MEAN, "reconstruction")
    with opened.computing(), solved(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 1, device=opened.device)
        program.eval()
        batch = _rows(opened, part, rows, seed)
        latents, _ = infer(noise, 1, **program.inputs(GUIDE, batch))
        means = _means(opened, {**batch, **latents})
    return Drawn(batch, {n: v.reshape(batch[n].shape) for n, v in means.items() if n in batch})


@torch.inference_mode()
def rows_of_part(opened: OpenRun, part: str, rows: int, seed: int = 0) -> dict[str, Tensor]:
    """The first rows of a part of the data, at most `rows` of them."""
    found = opened.rows(part)
    return dict(fixed(opened, found, slice(0, min(rows, len(found))), seed))


def _means(opened: OpenRun, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
    program = opened.program
    if not program.can(MEAN) or not set(program.capabilities[MEAN]) <= set(known):
        return {}
    means: dict[str, Tensor] = program.require(MEAN)(**program.inputs(MEAN, known))
    return means


def _rows(opened: OpenRun, part: str, count: int, seed: int) -> dict[str, Tensor]:
    """The first rows of the part, from the start again where it has fewer."""
    rows = opened.rows(part)
    batch = fixed(opened, rows, slice(0, min(count, len(rows))), seed)
    again = torch.arange(count, device=opened.device) % len(rows)
    return {name: value[again] for name, value in batch.items()}
