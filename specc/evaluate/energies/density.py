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
from specc.evaluate.energies.choice import ANNEALED, EXACT, choose
from specc.evaluate.energies.conditional import ConditionalLogZ
from specc.evaluate.energies.likelihood import Unnormalized
from specc.evaluate.energies.log_z import Annealing, LogZ, annealed_log_z, exact_log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import base_of, completed

TOP = "model.unnormalized_log_joint"
"""The capability of a program with a directed net below its energy: log p up to log Z."""

ROWS_OF_BASE = 10_000
"""The most training rows from which the base has the frequencies of the observed units."""


@dataclass(slots=True)
class EnergyDensity:
    """The density of a loaded run; `known` is log Z once it has been computed.

    If log Z differs between rows, `by_row` computes it.
    """

    loaded: LoadedRun
    model: EnergyModel
    estimator: str
    options: Annealing
    known: LogZ | None = field(default=None)
    is_top: bool = False
    by_row: ConditionalLogZ | None = None

    @staticmethod
    def of(loaded: LoadedRun, estimator: str, options: Annealing) -> EnergyDensity | None:
        """The density of a run.

        None if its program has no energy, or computes log p itself where there is no single log Z.
        """
        declared = loaded.manifest.energy
        if declared is None or choose(declared, estimator) != estimator:
            return None
        model = EnergyModel.of(loaded.program.model, declared)
        found = EnergyDensity(loaded, model, estimator, options)
        if declared.given:
            base = base_of(model, found._training_rows())
            found.by_row = ConditionalLogZ(model, base, options)
        return found

    @staticmethod
    def of_top(loaded: LoadedRun, options: Annealing) -> EnergyDensity | None:
        """The density of the units above a directed net; None if a run has no such units.

        Log Z is exact if the states are few, else by annealing.
        """
        declared = loaded.manifest.energy
        if declared is None or TOP not in loaded.manifest.capabilities:
            return None
        chosen = EXACT if choose(declared, EXACT) == EXACT else ANNEALED
        model = EnergyModel.of(loaded.program.model, declared)
        return EnergyDensity(loaded, model, chosen, options, is_top=True)

    def log_z(self, advance: Callable[[float], None] = lambda done: None) -> LogZ:
        """Log Z, which is computed once; the mean over the scored rows if rows differ."""
        if self.by_row is not None:
            return self.by_row.summary()
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
        log_z = self.log_z().value if self.by_row is None else self.by_row.of(batch, at)
        values = found.values - log_z
        return Unnormalized(values, found.standard_error, found.effective)

    def statement(self) -> str:
        """What the log-likelihood is, in a sentence."""
        log_z = self.log_z()
        if self.is_top:
            return f"a lower bound on average by draws of the guide; {log_z.statement()}"
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
        if self.by_row is not None:
            each *= self.options.chains
        if not self._rows_are_exact():
            return each * (self.options.chains if self.options.latents == "ais" else 1)
        return each * round(2 ** likelihood.states_of_row(self.model.declared, self.model.families))

    def _rows_are_exact(self) -> bool:
        return likelihood.is_exact(self.model.declared, self.model.families)

    def _training_rows(self) -> dict[str, Tensor]:
        """The first rows of the first part of the data, the one for training."""
        loaded, names = self.loaded, self.model.observed
        if self.is_top:
            return self._guided_rows()
        if loaded.data is None or not set(names) <= set(loaded.manifest.fields):
            return {}
        rows = loaded.rows(loaded.data.names[0], names)
        noise = noise_at(self.options.seed, Stream.EVALUATE, device=loaded.device)
        batch = rows.batch(slice(0, min(ROWS_OF_BASE, len(rows))), noise)
        return {name: batch[name].to(torch.float64) for name in names}

    def _guided_rows(self) -> dict[str, Tensor]:
        """Draws of the units, one for each of the first rows for training.

        The guide draws some of them, and a chain the others given these: chains of annealing that
        start at the frequencies of some units alone, and at uniform values of the others, may miss
        states of the model that are far from both.
        """
        loaded, method = self.loaded, "guide.sample_and_log_prob"
        if loaded.data is None:
            return {}
        rows = loaded.rows(loaded.data.names[0], loaded.manifest.observed())
        noise = noise_at(self.options.seed, Stream.EVALUATE, device=loaded.device)
        batch = rows.batch(slice(0, min(ROWS_OF_BASE, len(rows))), noise)
        draw = loaded.program.require(method)
        drawn, _ = draw(noise, 1, **loaded.program.inputs(method, batch))
        units = (name for name in self.model.declared.units if name in drawn)
        known = {name: drawn[name][0].to(torch.float64) for name in units}
        return completed(self.model, known, noise)
