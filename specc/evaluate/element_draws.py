"""Draws of the latents of elements that are summed out, given all training rows.

Rows of one element share its latent, so that new rows of it depend on the training rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.scoring import fixed_batch
from specc.runtime.noise import Noise
from specc.runtime.program import Program

ELEMENTS = "model.sample_elements"


@dataclass(frozen=True, slots=True)
class ElementDraws:
    """The posterior of the latents of elements, by a program and its training rows."""

    program: Program
    rows: Batch

    @classmethod
    def of(cls, loaded: LoadedRun, seed: int = 0) -> ElementDraws | None:
        """The posterior given the training rows; None if no such latent is summed out."""
        if not loaded.program.can(ELEMENTS):
            return None
        rows = loaded.rows("train", loaded.manifest.observed())
        return cls(loaded.program, fixed_batch(loaded, rows, slice(0, len(rows)), seed))

    def draw(self, noise: Noise) -> dict[str, Tensor]:
        """One draw of each latent, [size, *shape], given the current parameters."""
        inputs = self.program.inputs(ELEMENTS, self.rows)
        found: dict[str, Tensor] = self.program.require(ELEMENTS)(noise, **inputs)
        return found
