"""The normalized density of a run whose program has an energy: log p(v) = log base - F - log Z."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.energies import likelihood
from specc.evaluate.energies.choice import EXACT
from specc.evaluate.energies.likelihood import Unnormalized
from specc.evaluate.energies.log_z import Annealing, LogZ, annealed_log_z, exact_log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import base_of

ROWS_OF_BASE = 10_000
"""The most training rows from which the base has the frequencies of the observed units."""


@dataclass(slots=True)
class EnergyDensity:
    """The density of a loaded run; `known` is log Z once it has been computed."""

    loaded: LoadedRun
    model: EnergyModel
    estimator: str
    options: Annealing
    known: LogZ | None = field(default=None)

    @staticmethod
    def of(loaded: LoadedRun, estimator: str, options: Annealing) -> EnergyDensity | None:
        """The density of a run; None if its program has no energy."""
        declared = loaded.manifest.energy
        if declared is None:
            return None
        model = EnergyModel.of(loaded.program.model, declared)
        return EnergyDensity(loaded, model, estimator, options)

    def log_z(self, advance: Callable[[float], None] = lambda done: None) -> LogZ:
        """Log Z, which is computed once."""
        if self.known is None:
            if self.estimator == EXACT:
                self.known = exact_log_z(self.model)
            else:
                base = base_of(self.model, self._training_rows())
                self.known = annealed_log_z(self.model, base, self.options, advance)
        return self.known

    def log_prob(self, batch: Batch, at: int) -> Unnormalized:
        """Log p of rows, of which the first has the number `at`."""
        found = likelihood.unnormalized(self.model, batch, self.options, at)
        values = found.values - self.log_z().value
        return Unnormalized(values, found.standard_error, found.effective)

    def statement(self) -> str:
        """What the log-likelihood is, in a sentence."""
        log_z = self.log_z()
        if not self._rows_are_exact():
            if self.options.latents == "mean_field":
                return (
                    "an estimate of a lower bound, by mean field for the latents of each row; "
                    "log Z is an estimate"
                )
            return (
                "an estimate and no bound: log Z and the sum over the latents of each row are both "
                "estimates from below"
            )
        if log_z.is_exact:
            return f"exact: {log_z.statement()}"
        sides = {
            "forward": "its mean over seeds is at least log p, as that of log Z is at most log Z",
            "backward": "its mean over seeds is at most log p if the chains start at exact samples",
            "both": "log Z of the forward direction, which the backward direction should exceed",
        }
        return f"an estimate: {sides[self.options.direction]}"

    def bytes_of_row(self) -> int:
        """The bytes of the largest tensor for one row."""
        each = 8 * self.model.entries(self.model.declared.units)
        if not self._rows_are_exact():
            return each * (self.options.chains if self.options.latents == "ais" else 1)
        return each * round(2 ** likelihood.states_of_row(self.model.declared, self.model.families))

    def _rows_are_exact(self) -> bool:
        return likelihood.is_exact(self.model.declared, self.model.families)

    def _training_rows(self) -> dict[str, Tensor]:
        """The first rows of the first part of the data, the one for training."""
        loaded, names = self.loaded, self.model.observed
        if loaded.data is None or not set(names) <= set(loaded.manifest.fields):
            return {}
        rows = loaded.rows(loaded.data.names[0], names)
        noise = noise_at(self.options.seed, Stream.EVALUATE, device=loaded.device)
        batch = rows.batch(slice(0, min(ROWS_OF_BASE, len(rows))), noise)
        return {name: batch[name].to(torch.float64) for name in names}
