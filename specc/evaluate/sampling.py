"""Samples from a program, and reconstructions of rows of data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.scoring import fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import in_data_units

SAMPLE = "model.sample"
MEAN = "model.conditional_mean"
GUIDE = "guide.sample_and_log_prob"
SHARED = "guide.sample_global"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Samples: `values` of all nodes, and `means` of observed nodes given the other nodes.

    The means are better for pictures of binary data. `shared` are the latents with one draw from
    the guide for all rows, `given` the values that the model conditions on.
    """

    values: Mapping[str, Tensor]
    means: Mapping[str, Tensor]
    shared: tuple[str, ...] = ()
    given: Mapping[str, Tensor] = field(default_factory=dict)

    def in_data_units(self, loaded: LoadedRun) -> Drawn:
        """The same rows, with standardized fields in the units of the data."""
        every = (self.values, self.means, self.given)
        values, means, given = (in_data_units(loaded, found) for found in every)
        return Drawn(values, means, self.shared, given)

    def shown(self) -> dict[str, Tensor]:
        """All values for display: means instead of draws if they are known."""
        return {**self.values, **self.means}


@torch.inference_mode()
def sample(loaded: LoadedRun, rows: int, seed: int = 0, part: str | None = None) -> Drawn:
    """`rows` samples from the model, conditioned on given values of rows of `part`.

    The default part is that of held-out rows. Latents that rows share are drawn once, from the
    guide if it draws them: from the posterior given the training rows instead of the prior.

    Raises RunFailure: E0805, if the program cannot be sampled.
    """
    program = loaded.program
    draw = program.require(SAMPLE, "sampling")
    with loaded.computing(), require_solutions(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, device=loaded.device)
        program.eval()
        needs = program.capabilities[SAMPLE]
        batch = _rows(loaded, part or loaded.held_out, rows, seed, needs) if needs else {}
        given = program.inputs(SAMPLE, batch) if needs else {}
        shared: dict[str, Tensor] = {}
        if program.can(SHARED):
            shared = program.require(SHARED)(noise_at(seed, Stream.SAMPLE, 2, device=loaded.device))
        values = draw(noise, rows, **given, **shared)
        return Drawn(values, _means(loaded, {**given, **values}), tuple(shared), given)


@torch.inference_mode()
def reconstruct(loaded: LoadedRun, rows: int, seed: int = 0, part: str = "test") -> Drawn:
    """The first rows of a part of the data, as `values`, and `means` given their latents.

    Raises RunFailure: E0805, if the program has no guide or no means.
    """
    program = loaded.program
    infer = program.require(GUIDE, "reconstruction")
    program.require(MEAN, "reconstruction")
    with loaded.computing(), require_solutions(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 1, device=loaded.device)
        program.eval()
        batch = _rows(loaded, part, rows, seed, program.capabilities[GUIDE][:1])
        latents, _ = infer(noise, 1, **program.inputs(GUIDE, batch))
        means = _means(loaded, {**batch, **latents})
    return Drawn(batch, {n: v.reshape(batch[n].shape) for n, v in means.items() if n in batch})


@torch.inference_mode()
def rows_of_part(loaded: LoadedRun, part: str, rows: int, seed: int = 0) -> dict[str, Tensor]:
    """The first rows of a part of the data, at most `rows` of them from each source that has it."""
    sources = () if loaded.data is None else loaded.data.sources
    parts = [own.parts[part] for own in sources if part in own.parts] or [loaded.rows(part)]
    found: dict[str, Tensor] = {}
    for own in parts:
        found |= fixed_batch(loaded, own, slice(0, min(rows, len(own))), seed)
    return found


def _means(loaded: LoadedRun, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
    program = loaded.program
    if not program.can(MEAN) or not set(program.capabilities[MEAN]) <= set(known):
        return {}
    means: dict[str, Tensor] = program.require(MEAN)(**program.inputs(MEAN, known))
    return means


def _rows(
    loaded: LoadedRun, part: str, count: int, seed: int, fields: Iterable[str]
) -> dict[str, Tensor]:
    """The first rows of the part, repeated from the start if it has fewer.

    Of several sources those with the fields, side by side.
    """
    found: dict[str, Tensor] = {}
    for name in fields:
        if name in found:
            continue
        rows = loaded.rows(part, (name,))
        batch = fixed_batch(loaded, rows, slice(0, min(count, len(rows))), seed)
        again = torch.arange(count, device=loaded.device) % len(rows)
        found |= {own: value[again] for own, value in batch.items()}
    return found
