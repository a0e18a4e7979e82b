"""The draws of a sampler's run: values of latents, and averages over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.log_density import Coordinates
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.failure import RunFailure

DENSITY, LIKELIHOOD, SAMPLE = "model.log_prob", "model.log_likelihood", "model.sample"


@dataclass(frozen=True, slots=True)
class PosteriorDraws:
    """Draws from the posterior of the latents of a program, of all chains in turn.

    `positions` are the unconstrained numbers, [draws, size].
    """

    coordinates: Coordinates
    positions: Array

    @classmethod
    def of(cls, loaded: LoadedRun, most: int | None = None) -> PosteriorDraws | None:
        """The draws of a run, at most `most` at equal distances; None without a sampler.

        Raises RunFailure: E0802, if the run has no draw yet.
        """
        sampler = loaded.manifest.sampler
        if sampler is None:
            return None
        draws = Draws.read(loaded.folder)
        if not draws.done:
            message = f"the run in {loaded.folder} has no draw yet: it was stopped in its warm-up"
            raise RunFailure("E0802", message, hint="go on, with `specc train --resume`")
        # Neighbours are then draws of different chains.
        found = draws.positions[:, : draws.done].transpose(1, 0, 2).reshape(-1, draws.size)
        if most is not None and most < len(found):
            found = found[np.linspace(0, len(found) - 1, most).round().astype(int)]
        coordinates = Coordinates(loaded.program, sampler.latents)
        return cls(coordinates, np.array(found))

    def __len__(self) -> int:
        return len(self.positions)

    def each(self) -> Iterator[dict[str, Tensor]]:
        """Sets the parameters of the program to one draw after the other.

        Yields the latents that are arguments of the model's methods, as draws of a guide do: none.
        Afterwards the parameters have the values from before, so that no result depends on those
        before it.
        """
        before = self.coordinates.position()
        try:
            for position in self.positions:
                self.coordinates.move_to(position)
                yield {}
        finally:
            self.coordinates.move_to(before)

    def log_prob(self, batch: Batch) -> Tensor:
        """The log of the mean over draws w of p(x | w), for each row: [rows].

        If rows have latents of their own, those of these rows are not known: p(x | w) is then
        estimated by p(x | z, w) at a draw of z from its prior given w.
        """
        program = self.coordinates.program
        total: Tensor | None = None
        for number, _ in enumerate(self.each()):
            if program.can(DENSITY):
                value = program.require(DENSITY)(**program.inputs(DENSITY, batch)).double()
            else:
                value = self._given_latents(batch, number).double()
            total = value if total is None else torch.logaddexp(total, value)
        assert total is not None
        return total - float(np.log(len(self)))

    def _given_latents(self, batch: Batch, number: int) -> Tensor:
        """Log p(x | z, w) of each row at the current w, and a draw of z from its prior."""
        program = self.coordinates.program
        log_likelihood = program.require(LIKELIHOOD, "the density of rows")
        noise = noise_at(0, Stream.EVALUATE, number, device=self.coordinates.like.device)
        rows = len(next(iter(batch.values())))
        drawn = program.require(SAMPLE)(noise, rows, **program.inputs(SAMPLE, batch))
        value: Tensor = log_likelihood(**program.inputs(LIKELIHOOD, {**drawn, **batch}))
        return value
