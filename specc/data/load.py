"""The data of a run: the source read, split, checked, and laid down in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specc.data.check import check
from specc.data.fields import Resident, dtype_of
from specc.data.sources import reader
from specc.data.split import split
from specc.data.table import Column, Part, Table
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Data, Field
from specc.runtime.noise import Noise

Batch = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part (train, valid or test), all fields side by side."""

    name: str
    fields: Mapping[str, Resident]

    def __len__(self) -> int:
        return len(next(iter(self.fields.values())))

    def to(self, device: torch.device) -> Rows:
        """The same rows, on the device."""
        fields = {name: replace(f, raw=f.raw.to(device)) for name, f in self.fields.items()}
        return Rows(self.name, fields)

    def batch(self, index: Tensor | slice, noise: Noise) -> Batch:
        """The fields of the rows at `index`, each [batch, *shape]."""
        return {name: field.batch(index, noise) for name, field in self.fields.items()}

    def chunks(self, size: int, noise: Noise, limit: int | None = None) -> Iterator[Batch]:
        """All rows in order, `size` at a time, or the first `limit` of them."""
        end = len(self) if limit is None else min(limit, len(self))
        for start in range(0, end, size):
            yield self.batch(slice(start, min(start + size, end)), noise)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The parts by name, and a digest of everything that was read."""

    parts: Mapping[str, Rows]
    digest: str

    def to(self, device: torch.device) -> Loaded:
        """The same data, on the device."""
        return Loaded({name: rows.to(device) for name, rows in self.parts.items()}, self.digest)

    def part(self, name: str) -> Rows:
        """The rows of a part.

        Raises RunFailure: E0509, where the data was not split that way.
        """
        if name not in self.parts:
            has = ", ".join(self.parts)
            hint = f"it has {has}; `split: {{{name}: 0.1}}` under `data:` makes one"
            message = f"the data has no part `{name}`"
            raise RunFailure("E0509", message, hint=hint, exit_code=USAGE)
        return self.parts[name]


def load(data: Data, folder: Path | None, dtype: torch.dtype | None = None) -> Loaded:
    """The data that a manifest asks for, from `folder`, with numbers in `dtype`.

    Raises RunFailure: E05xx, before anything is trained, where a file or a value does not fit.
    """
    dtype = dtype or torch.get_default_dtype()
    table = reader(data.source)(data.options, folder)
    wanted = {name: _select(table, data, part) for name, part in table.parts.items()}
    for part in wanted.values():
        _check_rows(table, part)
        for name, field in data.fields.items():
            check(table, field, part[name])
    parts = split(Table(wanted, table.masks, table.default_split, place=table.place), data.split)
    rows = {name: Rows(name, _resident(part, data.fields, dtype)) for name, part in parts.items()}
    return Loaded(rows, _digest(parts))


def _select(table: Table, data: Data, part: Part) -> dict[str, Column]:
    """The columns that fields ask for, under the names of the fields."""
    for field in data.fields.values():
        if field.column not in part:
            has = ", ".join(sorted(part))
            message = f"the data source `{data.source}` has no `{field.column}`"
            where = f"{table.place} has {has}"
            raise RunFailure("E0503", message, hint=where, place=field.at, exit_code=USAGE)
    return {name: part[field.column] for name, field in data.fields.items()}


def _check_rows(table: Table, part: Part) -> None:
    (first, reference), *others = part.items()
    for name, column in others:
        if len(column.raw) != len(reference.raw):
            message = (
                f"the field `{name}` has {len(column.raw)} rows in {table.place}, "
                f"but `{first}` has {len(reference.raw)}"
            )
            raise RunFailure("E0507", message, exit_code=USAGE)


def _resident(part: Part, fields: Mapping[str, Field], dtype: torch.dtype) -> dict[str, Resident]:
    return {
        name: Resident(
            field=field,
            raw=_tensor(part[name], dtype),
            factor=part[name].factor * (1.0 if field.scale is None else field.scale),
            dtype=dtype_of(field, dtype),
        )
        for name, field in fields.items()
    }


def _tensor(column: Column, dtype: torch.dtype) -> Tensor:
    """Floating-point columns in the dtype of the run; bytes and integers as they are."""
    raw = column.raw
    if raw.dtype.kind == "u" and raw.dtype.itemsize > 1:
        raw = raw.astype(np.int64)  # torch computes little with unsigned words
    tensor = torch.from_numpy(np.require(raw, requirements=["C", "W"]))
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _digest(parts: Mapping[str, Part]) -> str:
    """One hash of names, shapes, types and bytes, so a run resumes on the data it began with."""
    found = hashlib.sha256()
    for name, part in sorted(parts.items()):
        for field, column in sorted(part.items()):
            raw = np.ascontiguousarray(column.raw)
            found.update(f"{name}/{field}{raw.shape}{raw.dtype.str}{column.factor!r}".encode())
            found.update(raw.data)
    return found.hexdigest()[:32]
