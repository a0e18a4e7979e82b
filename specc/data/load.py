"""Loading of data: the source is read, split, checked and placed in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.data.categories import stored
from specc.data.elementwise import factor_of, is_scaled_alone, values_of
from specc.data.fields import FieldRows, Standardization, dtype_of
from specc.data.memory_mapped import MemoryMapped, tensor
from specc.data.missing import mean
from specc.data.read import digest, parts_of
from specc.data.split import TRAIN
from specc.data.statistics import Statistics, standardized
from specc.data.table import Column, Part
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Data, Field
from specc.runtime.noise import Noise

Batch = dict[str, Tensor]

RowIndex = Tensor | slice | tuple[Tensor | slice, ...]
"""The numbers of some rows; of several sources, those of each."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part (train, valid or test), all fields side by side.

    `chosen` has the numbers of the rows of a stage that does not use all of them. A row keeps its
    number, so that a state with a value for each row is the same one in every stage.
    """

    name: str
    fields: Mapping[str, FieldRows]
    chosen: Tensor | None = None

    def __len__(self) -> int:
        return self.count if self.chosen is None else len(self.chosen)

    @property
    def count(self) -> int:
        """The number of all rows of the part."""
        return len(next(iter(self.fields.values())))

    def to(self, device: torch.device) -> Rows:
        """The same rows, on the device."""
        chosen = None if self.chosen is None else self.chosen.to(device)
        return Rows(self.name, {name: f.to(device) for name, f in self.fields.items()}, chosen)

    def revealed(self) -> Rows:
        """The same rows with the values that are hidden."""
        fields = {name: field.revealed() for name, field in self.fields.items()}
        return replace(self, fields=fields)

    def numbers(self, places: Tensor) -> Tensor:
        """The numbers of the rows at these places."""
        if self.chosen is None:
            return places
        return self.chosen.to(places.device)[places]

    def between(self, start: int, end: int) -> slice | Tensor:
        """The numbers of the rows from the place `start` to the place `end`, which is not one."""
        return slice(start, end) if self.chosen is None else self.chosen[start:end]

    def batch(self, index: RowIndex, noise: Noise) -> Batch:
        """The fields of the rows with the numbers `index`, each [batch, *shape]."""
        assert not isinstance(index, tuple), "one source"
        found: Batch = {}
        drawn: dict[str, Tensor] = {}
        for name, own in self.fields.items():
            # Several names for one field of the spec, as of `data.x`, are one binarization.
            one = own.field.at if own.field.binarize == "sample" else ""
            value = drawn[one] if one in drawn else own.batch(index, noise)
            found[name] = value
            if one:
                drawn[one] = value
        for own in self.fields.values():
            if own.known is not None and own.field.missing is not None:
                found[own.field.missing.known] = own.there(index)
        return found

    def observed_fractions(self, visits: bool = False) -> dict[str, float]:
        """The fraction of known values, of each field that allows missing values.

        With `visits`, rows count as often as an epoch visits them.
        """
        found = {}
        for name, own in self.fields.items():
            if own.known is not None and own.field.missing is not None:
                known = self.known(own).double().mean().item()
                repeat = own.field.missing.repeat if visits else 1
                found[name] = repeat * known / (repeat * known + 1.0 - known) if known else 1.0
        return found

    def known(self, own: FieldRows) -> Tensor:
        """The mask of known values of a field that may lack some."""
        assert own.known is not None
        return own.known if self.chosen is None else own.known.index_select(0, self.chosen)

    def micro_batches(self, index: RowIndex, pieces: int) -> list[tuple[RowIndex, float]]:
        """The micro-batches that have rows, each with its fraction; all of it if it has none."""
        assert isinstance(index, Tensor), "one source"
        split = [piece for piece in index.tensor_split(pieces) if len(piece)] or [index]
        return [(piece, len(piece) / max(len(index), 1)) for piece in split]

    def is_full(self, size: int) -> bool:
        """Whether there are enough rows for a batch of `size`."""
        return len(self) >= size

    def example(self, size: int, device: torch.device) -> RowIndex:
        """The rows of a batch, for a trial of the step."""
        return self.numbers(torch.arange(min(size, len(self)), device=device))

    def slices(self, size: int) -> Iterator[tuple[int, RowIndex, float]]:
        """All rows in order, `size` at a time: the first, the rows, and their fraction of all."""
        for start in range(0, len(self), size):
            end = min(start + size, len(self))
            yield start, self.between(start, end), (end - start) / len(self)

    def chunks(self, size: int, noise: Noise, limit: int | None = None) -> Iterator[Batch]:
        """All rows in order, `size` at a time, or the first `limit` of them."""
        end = len(self) if limit is None else min(limit, len(self))
        for start in range(0, end, size):
            yield self.batch(self.between(start, min(start + size, end)), noise)


@dataclass(frozen=True, slots=True)
class LoadedData:
    """The parts by name, and a digest of everything that was read.

    `record` has the statistics of the training rows that a run stores: the mean and the standard
    deviation of every standardized field, and the means that replace missing values. `folder` is
    the data folder. Of several sources each has a `name`, and the first has the others as
    `unpaired`.
    """

    parts: Mapping[str, Rows]
    digest: str
    record: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    name: str = ""
    unpaired: tuple[LoadedData, ...] = ()

    @property
    def sources(self) -> tuple[LoadedData, ...]:
        """All sources."""
        return (self, *self.unpaired)

    @property
    def names(self) -> tuple[str, ...]:
        """The parts of all sources."""
        return tuple(dict.fromkeys(name for own in self.sources for name in own.parts))

    def to(self, device: torch.device) -> LoadedData:
        """The same data, on the device."""
        return replace(
            self,
            parts={name: rows.to(device) for name, rows in self.parts.items()},
            unpaired=tuple(own.to(device) for own in self.unpaired),
        )

    def part(self, name: str) -> Rows:
        """The rows of a part of this source.

        Raises RunFailure: E0509, if the data has no part of that name.
        """
        if name not in self.parts:
            has, under = ", ".join(self.parts), "data:"
            if self.name:
                under = f"data.sources.{self.name}:"
            hint = f"it has {has}; `split: {{{name}: 0.1}}` under `{under}` makes one"
            what = f"the source `{self.name}`" if self.name else "the data"
            message = f"{what} has no part `{name}`"
            raise RunFailure("E0509", message, hint=hint, exit_code=USAGE)
        return self.parts[name]

    def holding(self, fields: Iterable[str]) -> LoadedData:
        """The first source that has one of the fields, else the first of all."""
        wanted = set(fields)
        found = (own for own in self.sources if wanted & set(own.parts[TRAIN].fields))
        return next(found, self)


def load(
    data: Data,
    folder: Path | None,
    dtype: torch.dtype | None = None,
    record: Mapping[str, Any] | None = None,
) -> LoadedData:
    """The data of a manifest, from `folder`, with floating-point numbers in `dtype`.

    With a `record`, such as `LoadedData.record`, fields are standardized by its statistics instead
    of those of the training rows, so that other rows are treated as in training. Raises RunFailure:
    E05xx, if a file or a value does not fit.
    """
    dtype = dtype or torch.get_default_dtype()
    read = parts_of(data, folder, record)
    parts = read.parts
    if record is None:
        statistics = standardized(data, parts)
        for failure in statistics.failures:
            raise failure
        known = {**statistics.found, **_filling(data, parts)}
    else:
        known = _recorded(data, next(iter(parts.values())), record)
    rows = {
        part: Rows(part, {n: _resident(f, found[n], dtype, known) for n, f in data.fields.items()})
        for part, found in parts.items()
    }
    made = {name: found.as_json() for name, found in known.items()} | stored(read.categories)
    return LoadedData(rows, digest(parts, read.categories), made, folder)


def load_sources(
    sources: Sequence[Data],
    folder: Path | None,
    dtype: torch.dtype | None = None,
    record: Mapping[str, Any] | None = None,
) -> LoadedData:
    """The data of one source, or of several whose rows are not paired, as `load` reads each.

    The digest and the record are those of all of them. Raises RunFailure: E05xx.
    """
    first, *others = (replace(load(d, folder, dtype, record), name=d.name) for d in sources)
    if not others:
        return first
    every = (first, *others)
    found = hashlib.sha256("/".join(own.digest for own in every).encode()).hexdigest()[:32]
    stored = {name: value for own in every for name, value in own.record.items()}
    return replace(first, digest=found, record=stored, unpaired=tuple(others))


def _recorded(data: Data, part: Part, record: Mapping[str, Any]) -> dict[str, Statistics]:
    """The statistics in a record, for all fields that need them.

    Raises RunFailure: E0803, if one is missing or does not have the shape of the field's rows.
    """
    found = {}
    for name, own in data.fields.items():
        fills = own.missing is not None and own.missing.fill == "mean"
        if not own.standardize and not fills:
            continue
        key = name if own.standardize else FILL.format(name)
        statistics = Statistics.of_json(record[key]) if key in record else None
        if statistics is None or not statistics.fit(part[name].shape, own.standardize):
            message = f"run.json is damaged: it has no mean and deviation for the field `{name}`"
            hint = "restore run.json from a copy, or train again"
            raise RunFailure("E0803", message, hint=hint)
        found[key] = statistics
    return found


FILL = "fill of {}"
"""The key, in the record of a run, of a mean that replaces missing values."""


def _filling(data: Data, parts: Mapping[str, Part]) -> dict[str, Statistics]:
    """The means of the known training values of fields with `fill: mean`."""
    found = {}
    for name, own in data.fields.items():
        if own.missing is not None and own.missing.fill == "mean" and not own.standardize:
            column = parts[TRAIN][name]
            center = mean(own, column)
            found[FILL.format(name)] = Statistics(center, np.zeros_like(center))
    return found


def _resident(
    field: Field, column: Column, dtype: torch.dtype, known: Mapping[str, Statistics]
) -> FieldRows:
    made = replace(_plain(field, column, dtype, known), classes=column.classes)
    if column.known is None:
        return made
    center = known.get(FILL.format(field.name))
    fill = torch.zeros((), dtype=made.dtype)
    if center is not None:
        fill = torch.from_numpy(center.mean).reshape(field.shape).to(made.dtype)
    elif field.support.low > 0:
        fill += field.support.low
    return replace(made, known=torch.from_numpy(column.known), fill=fill, hides=column.hides)


def _plain(
    field: Field, column: Column, dtype: torch.dtype, known: Mapping[str, Statistics]
) -> FieldRows:
    factor, own = factor_of(field, column), known.get(field.name)
    kind = dtype_of(field, dtype)
    if column.is_mapped:
        return FieldRows(field, MemoryMapped(column), factor, kind, _standard(own, torch.float64))
    if (own is None and is_scaled_alone(field)) or column.raw.dtype.itemsize == 1 or field.base:
        return FieldRows(field, _tensor(column, dtype), factor, kind, _standard(own, dtype))
    # Computed once in float64, since the difference of a large value and mean loses digits.
    values = values_of(field, column, column.raw)
    values = values if own is None else (values - own.mean) / own.deviation
    return FieldRows(field, torch.from_numpy(values).to(dtype), 1.0, kind, is_final=True)


def _standard(own: Statistics | None, dtype: torch.dtype) -> Standardization | None:
    if own is None:
        return None
    # For one number per row the mean is a numpy scalar and not an array.
    mean, deviation = (torch.from_numpy(np.asarray(v)) for v in (own.mean, own.deviation))
    return Standardization(mean.to(dtype), deviation.to(dtype))


def _tensor(column: Column, dtype: torch.dtype) -> Tensor:
    """The column as a tensor: floating-point numbers in `dtype`, bytes and integers unchanged."""
    found = tensor(column.raw)
    return found.to(dtype) if found.is_floating_point() else found
