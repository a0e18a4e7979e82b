"""Missing values, filled: drawn by the guide, or from p(x | z) where a density leaves them out.

Many z are proposed for each row and weighted by importance: `specc.evaluate.population` says how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.labels import labels_of
from specc.evaluate.population import COMPLETE, Population
from specc.evaluate.scoring import Advance, exact, fixed
from specc.evaluate.solved import solved
from specc.evaluate.units import in_data_units
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Field
from specc.runtime.program import Program

AT_ONCE = 4096
"""Members of all rows that are computed together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many members a row's population has, for how many sweeps, on which rows."""

    draws: int = 16
    sweeps: int = 100
    part: str = "test"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Filled:
    """A field with its missing values filled.

    `known` is [rows, *mask]. `values` [rows, *shape] are the data where they are known; elsewhere
    the posterior mean, or the likeliest class of a label, whose `probabilities` are
    [rows, classes]. `draws` are [draws, rows, *shape]. `effective` [rows] is the effective number
    of the weighted draws that the mean is of, at most draws times sweeps. `original` are the values
    before some were hidden, where that was for an experiment.
    """

    field: Field
    known: Tensor
    values: Tensor
    draws: Tensor
    effective: Tensor
    probabilities: Tensor | None = None
    original: Tensor | None = None

    def in_data_units(self, opened: OpenRun) -> Filled:
        """The same values in the units of the data, where the field is standardized."""
        name = self.field.name

        def of(value: Tensor | None) -> Tensor | None:
            return None if value is None else in_data_units(opened, {name: value})[name]

        values, draws = of(self.values), of(self.draws)
        assert values is not None and draws is not None
        return replace(self, values=values, draws=draws, original=of(self.original))

    def summary(self) -> dict[str, Any]:
        """How many values were missing, and how well hidden ones were met, as JSON."""
        missing = ~self.known
        found: dict[str, Any] = {"rows": len(self.known), "missing": missing.double().mean().item()}
        if self.probabilities is None:
            found["effective"] = self.effective.median().item()
        if self.original is None or not missing.any():
            return found
        away = self.values[missing].double() - self.original[missing].double()
        if self.probabilities is not None:
            return {**found, "accuracy": (away == 0).double().mean().item()}
        return {**found, "squared_error": away.square().mean().item()}


@torch.inference_mode()
def impute(
    opened: OpenRun,
    asked: Asked,
    given: Batch | None = None,
    advance: Advance = lambda done: None,
) -> dict[str, Filled]:
    """Every field that may be missing, filled: of a part of the run's data, or of rows given here.

    Raises RunFailure: E0509 where there is no such part, E0805 where the program has latents and no
    guide to draw them, E0819 where no field may be missing.
    """
    data = opened.manifest.data
    fields = {n: own for n, own in (data.fields if data else {}).items() if own.missing is not None}
    if not fields:
        message = f"no field of `{opened.manifest.name}` allows missing values"
        hint = "state in a node of the model how missing values are treated: `missing: ...`"
        raise RunFailure("E0819", message, hint=hint, exit_code=USAGE)
    pieces: list[dict[str, Filled]] = []
    with opened.computing(), solved(opened.program.folder):
        opened.program.eval()
        for start, batch, original, done in _batches(opened, asked, given):
            pieces.append(_some(opened, asked, fields, batch, original, start))
            advance(done)
    return {name: _joined([piece[name] for piece in pieces]) for name in fields}


def _batches(
    opened: OpenRun, asked: Asked, given: Batch | None
) -> Iterator[tuple[int, Batch, Batch, float]]:
    """The rows in pieces: the number of the first, the rows, what was hidden, the share done."""
    rows = None if given is not None else opened.rows(asked.part)
    count = len(rows) if rows is not None else len(next(iter((given or {}).values())))
    count = count if asked.rows is None else min(count, asked.rows)
    size = max(1, AT_ONCE // asked.draws)
    for start in range(0, count, size):
        index = slice(start, min(start + size, count))
        if rows is None:
            batch, original = {n: v[index] for n, v in (given or {}).items()}, {}
        else:
            batch = fixed(opened, rows, index, asked.seed)
            shown = fixed(opened, rows.revealed(), index, asked.seed)
            original = {n: shown[n] for n, own in rows.fields.items() if own.hides}
        yield start, batch, original, index.stop / count


def _some(
    opened: OpenRun,
    asked: Asked,
    fields: Mapping[str, Field],
    batch: Batch,
    original: Batch,
    start: int,
) -> dict[str, Filled]:
    population = Population.of(opened.program, fields, asked.draws, batch)
    for number in range(asked.sweeps if opened.program.can(COMPLETE) else 1):
        population.sweep(
            noise_at(asked.seed, Stream.SAMPLE, 3, start, number, device=opened.device)
        )
    return {n: _filled(opened, population, own, batch, original) for n, own in fields.items()}


def _filled(
    opened: OpenRun, population: Population, own: Field, batch: Batch, original: Batch
) -> Filled:
    assert own.missing is not None
    name, known = own.name, batch[own.missing.known]
    classes = labels_of(opened.manifest).get(name, range(0)) if own.missing.filled else range(0)
    probabilities = None
    if classes:
        probabilities = _probabilities(population, name, classes, batch, own.missing.known)
        mean = (probabilities.argmax(-1) + classes.start).to(batch[name].dtype)
    else:
        mean = population.mean(name)
    draws = population.kept[name].reshape(population.members, *batch[name].shape)
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
    """The probability of each class of a label; of one that is known it is 1."""
    program, told = population.program, f"{name}?"
    if told in population.means:
        found = population.means[told]
    elif not program.manifest.latents("model"):
        found = _exact(program, name, classes, batch, mask)
    else:
        drawn = population.kept[name].reshape(population.members, -1).long() - classes.start
        found = torch.nn.functional.one_hot(drawn, len(classes)).double().mean(0)
    own = torch.nn.functional.one_hot(batch[name].long() - classes.start, len(classes))
    return torch.where(batch[mask][:, None], own.to(found.dtype), found)


def _exact(program: Program, name: str, classes: range, batch: Batch, mask: str) -> Tensor:
    """p(y = c | rest) by Bayes' rule, where log p is exact."""
    there = torch.ones_like(batch[mask])
    log_p = [
        exact(program, {**batch, name: torch.full_like(batch[name], c), mask: there})
        for c in classes
    ]
    return torch.stack(log_p, -1).double().softmax(-1)


def _joined(pieces: list[Filled]) -> Filled:
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
