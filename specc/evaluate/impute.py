"""Imputation of missing values, by the guide or by p(x | z).

The method is population Monte Carlo, in `specc.evaluate.population_monte_carlo`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.classification import label_classes
from specc.evaluate.population_monte_carlo import IMPUTE, Population
from specc.evaluate.scoring import Advance, exact, fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import in_data_units
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Field
from specc.runtime.program import Program

AT_ONCE = 4096
"""Members of all rows in one chunk."""


@dataclass(frozen=True, slots=True)
class ImputationRequest:
    """A request for imputation: the population of a row, the number of sweeps, and the rows."""

    draws: int = 16
    sweeps: int = 100
    part: str = "test"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Filled:
    """A field with its missing values filled in.

    Attributes:
        field: The field.
        known: The mask of values, [rows, *mask].
        values: The data, with the posterior mean in place of missing values, or the most probable
            class of a label: [rows, *shape].
        draws: The data, with posterior draws in place of missing values: [draws, rows, *shape].
        effective: The effective sample size of the mean, at most draws times sweeps: [rows].
        probabilities: The probabilities of the classes of a label, [rows, classes].
        original: The values before some were hidden for an experiment.

    """

    field: Field
    known: Tensor
    values: Tensor
    draws: Tensor
    effective: Tensor
    probabilities: Tensor | None = None
    original: Tensor | None = None

    def in_data_units(self, loaded: LoadedRun) -> Filled:
        """The same values in the units of the data, if the field is standardized."""
        name = self.field.name

        def of(value: Tensor | None) -> Tensor | None:
            return None if value is None else in_data_units(loaded, {name: value})[name]

        values, draws = of(self.values), of(self.draws)
        assert values is not None and draws is not None
        return replace(self, values=values, draws=draws, original=of(self.original))

    def summary(self) -> dict[str, Any]:
        """The fraction of missing values, and the error on hidden ones, as JSON.

        `effective` is the median of the rows with missing values, absent if there are none.
        """
        missing = ~self.known
        found: dict[str, Any] = {"rows": len(self.known), "missing": missing.double().mean().item()}
        if not missing.any():
            return found
        if self.probabilities is None:
            of_row = missing.flatten(1).any(1) if missing.ndim > 1 else missing
            found["effective"] = self.effective[of_row].median().item()
        if self.original is None:
            return found
        away = self.values[missing].double() - self.original[missing].double()
        if self.probabilities is not None:
            return {**found, "accuracy": (away == 0).double().mean().item()}
        return {**found, "squared_error": away.square().mean().item()}


@torch.inference_mode()
def impute(
    loaded: LoadedRun,
    request: ImputationRequest,
    given: Batch | None = None,
    advance: Advance = lambda done: None,
) -> dict[str, Filled]:
    """Every field that allows missing values, filled in: of a part of the data, or of `given` rows.

    Raises RunFailure: E0509 if there is no such part, E0805 if the program has latents and no guide
    that draws them, E0819 if no field allows missing values.
    """
    known = loaded.manifest.fields_beside(loaded.manifest.observed())
    fields = {n: own for n, own in known.items() if own.missing is not None}
    if not fields:
        message = f"no field of `{loaded.manifest.name}` allows missing values"
        hint = "state in a node of the model how missing values are treated: `missing: ...`"
        raise RunFailure("E0819", message, hint=hint, exit_code=USAGE)
    pieces: list[dict[str, Filled]] = []
    with loaded.computing(), require_solutions(loaded.program.folder):
        loaded.program.eval()
        for start, batch, original, done in _batches(loaded, request, given):
            pieces.append(_some(loaded, request, fields, batch, original, start))
            advance(done)
    return {name: _joined([piece[name] for piece in pieces]) for name in fields}


def _batches(
    loaded: LoadedRun, request: ImputationRequest, given: Batch | None
) -> Iterator[tuple[int, Batch, Batch, float]]:
    """The rows in chunks: the number of the first, the batch, hidden values, the fraction done."""
    observed = loaded.manifest.observed()
    rows = None if given is not None else loaded.rows(request.part, observed)
    count = len(rows) if rows is not None else len(next(iter((given or {}).values())))
    count = count if request.rows is None else min(count, request.rows)
    size = max(1, AT_ONCE // request.draws)
    for start in range(0, count, size):
        index = slice(start, min(start + size, count))
        if rows is None:
            batch, original = {n: v[index] for n, v in (given or {}).items()}, {}
        else:
            batch = fixed_batch(loaded, rows, index, request.seed)
            shown = fixed_batch(loaded, rows.revealed(), index, request.seed)
            original = {n: shown[n] for n, own in rows.fields.items() if own.hides}
        yield start, batch, original, index.stop / count


def _some(
    loaded: LoadedRun,
    request: ImputationRequest,
    fields: Mapping[str, Field],
    batch: Batch,
    original: Batch,
    start: int,
) -> dict[str, Filled]:
    """Runs all sweeps for a batch, and returns its filled fields."""
    population = Population.of(loaded.program, fields, request.draws, batch)
    for number in range(request.sweeps if loaded.program.can(IMPUTE) else 1):
        population.sweep(
            noise_at(request.seed, Stream.SAMPLE, 3, start, number, device=loaded.device)
        )
    return {n: _filled(loaded, population, own, batch, original) for n, own in fields.items()}


def _filled(
    loaded: LoadedRun, population: Population, own: Field, batch: Batch, original: Batch
) -> Filled:
    """A field of a batch, filled in from the final population."""
    assert own.missing is not None
    name, known = own.name, batch[own.missing.known]
    classes = label_classes(loaded.manifest).get(name, range(0)) if own.missing.filled else range(0)
    probabilities = None
    if classes:
        probabilities = _probabilities(population, name, classes, batch, own.missing.known)
        mean = (probabilities.argmax(-1) + classes.start).to(batch[name].dtype)
    else:
        mean = population.mean(name)
    draws = population.draws[name].reshape(population.members, *batch[name].shape)
    wide = known.reshape(*known.shape, *[1] * (batch[name].ndim - known.ndim))
    return Filled(
        field=own,
        known=known,
        values=torch.where(wide, batch[name].to(mean.dtype), mean),
        draws=torch.where(wide, batch[name], draws.to(batch[name].dtype)),
        effective=population.weights.effective(),
        probabilities=probabilities,
        original=original.get(name),
    )


def _probabilities(
    population: Population, name: str, classes: range, batch: Batch, mask: str
) -> Tensor:
    """The probability of each class of a label; 1 for a known class."""
    program, key = population.program, f"{name}?"
    if key in population.means:
        found = population.means[key]
    elif not program.manifest.latents("model"):
        found = _exact(program, name, classes, batch, mask)
    else:
        drawn = population.draws[name].reshape(population.members, -1).long() - classes.start
        found = torch.nn.functional.one_hot(drawn, len(classes)).double().mean(0)
    own = torch.nn.functional.one_hot(batch[name].long() - classes.start, len(classes))
    return torch.where(batch[mask][:, None], own.to(found.dtype), found)


def _exact(program: Program, name: str, classes: range, batch: Batch, mask: str) -> Tensor:
    """p(y = c | rest) by Bayes' rule, where log p is exact."""
    known = torch.ones_like(batch[mask])
    log_p = [
        exact(program, {**batch, name: torch.full_like(batch[name], c), mask: known})
        for c in classes
    ]
    return torch.stack(log_p, -1).double().softmax(-1)


def _joined(pieces: list[Filled]) -> Filled:
    """The concatenation of the rows of several batches."""

    def every(key: str, axis: int = 0) -> Tensor | None:
        found = [getattr(piece, key) for piece in pieces]
        return None if found[0] is None else torch.cat(found, axis).cpu()

    known, values, draws = every("known"), every("values"), every("draws", 1)
    effective = every("effective")
    assert known is not None and values is not None
    assert draws is not None and effective is not None
    return Filled(
        field=pieces[0].field,
        known=known,
        values=values,
        draws=draws,
        effective=effective,
        probabilities=every("probabilities"),
        original=every("original"),
    )
