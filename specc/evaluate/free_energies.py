"""Scores of rows up to a constant, -F, which are enough to compare the classes of a label.

p(y | x) is proportional to exp(-F(x, y)), so log Z cancels in the normalization over classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.memory import ChunkSize, chunk_size_for, largest
from specc.evaluate.scoring import Advance, Request, Scored, Scorer, fixed_batch, scoring
from specc.runtime.manifest import Manifest

FREE, ENERGY = "model.free_energy", "model.energy"


def sums_classes(manifest: Manifest) -> bool:
    """Whether the free energy of a row is known, and its density is not."""
    known = manifest.capabilities
    return "model.log_prob" not in known and _method(manifest) in known


def _method(manifest: Manifest) -> str:
    """The method with the energy of the data alone; empty if there is none."""
    declared = manifest.energy
    if declared is None or "model.log_prob" in manifest.capabilities:
        return ""
    has_latents = any(unit.role == "latent" for unit in declared.units.values())
    name = FREE if has_latents else ENERGY
    inputs = manifest.capabilities.get(name)
    return name if inputs is not None and set(inputs) <= set(manifest.fields) else ""


class _Unnormalized(Scorer):
    """Scores rows by -F."""

    def score(self, batch: Batch, start: int, advance: Advance) -> Scored:
        """-F of a batch: the log-density without log Z."""
        name = _method(self.loaded.manifest)
        program = self.loaded.program
        values = -program.require(name)(**program.inputs(name, batch))
        advance(1.0)
        return Scored(values.double())

    def _fitting(self) -> ChunkSize:
        batch = fixed_batch(self.loaded, self.rows, slice(0, 1), self.seed)
        size = largest(lambda: self.score(batch, 0, lambda done: None))
        return chunk_size_for(size, self.limit, 1)


@contextmanager
def joint_scoring(loaded: LoadedRun, request: Request) -> Iterator[Scorer]:
    """A context with a scorer of joint densities, up to a constant where log Z is not known.

    Raises RunFailure: E0509 if the data has no such part, E0813 if the program does not allow the
    estimate.
    """
    if not sums_classes(loaded.manifest):
        with scoring(loaded, request) as scorer:
            yield scorer
        return
    rows = loaded.rows(request.part, loaded.manifest.observed())
    loaded.program.eval()
    with loaded.computing(), torch.inference_mode():
        yield _Unnormalized(loaded, rows, request, "exact")
