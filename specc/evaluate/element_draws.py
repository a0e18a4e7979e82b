"""Draws of the latents of elements that are summed out, given all training rows.

Rows of one element share its latent, so that new rows of it depend on the training rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import MOST_NUMBERS
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

    def draw(self, noise: Noise, count: int) -> dict[str, Tensor]:
        """`count` draws of each latent, [count, size, *shape], given the current parameters."""
        inputs = self.program.inputs(ELEMENTS, self.rows)
        found: dict[str, Tensor] = self.program.require(ELEMENTS)(noise, count, **inputs)
        return found

    def each(self, noise: Noise, count: int) -> Iterator[dict[str, Tensor]]:
        """One draw after the other, [size, *shape], while the parameters stay the same.

        The posterior given all training rows is computed for the first one, and once more for as
        many of the others as fit into memory.
        """
        done, size = 0, 1
        while done < count:
            own = min(size, count - done)
            drawn = self.draw(noise, own)
            yield from ({name: v[number] for name, v in drawn.items()} for number in range(own))
            done += own
            numbers = sum(value[0].numel() for value in drawn.values())
            size = max(1, MOST_NUMBERS // max(1, numbers))

    def beside(
        self, shared: Iterable[Mapping[str, Tensor]], noise: Noise
    ) -> Iterator[dict[str, Tensor]]:
        """A draw beside each of several draws that change the parameters."""
        for values in shared:
            yield {**values, **next(self.each(noise, 1))}
