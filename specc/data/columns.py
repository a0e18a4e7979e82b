"""Columns of a file: integers, lists of columns, and rows of unequal length."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from specc.data.data_folder import require_memory, unreadable
from specc.data.table import Array, Column

LENGTHS = "lengths"

Lists = str | Sequence[str]
"""The columns that form one column: their names, or `*` for all columns of numbers."""


def compact(values: Array) -> Array:
    """The values as int64 if all of them are integers, as a label or an index must be."""
    if values.dtype.itemsize < 4:
        values = values.astype(np.float32)  # a float16 cannot represent the bound 2^53
    finite = np.isfinite(values).all()
    if finite and (np.abs(values) < 2**53).all() and (values == np.floor(values)).all():
        return values.astype(np.int64)
    return values


def masks_of(columns: Mapping[str, Column]) -> dict[str, Array]:
    """The columns of zeros and ones, which a split may name."""
    return {name: c.raw.astype(np.bool_) for name, c in columns.items() if _is_mask(c.raw)}


def _is_mask(values: Array) -> bool:
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        return False
    return bool(np.isin(values, (0, 1)).all())


def members(used: Collection[str], lists: Mapping[str, Lists]) -> frozenset[str]:
    """The columns that are used, with the members of the lists that are used."""
    inside = (
        name for own, names in lists.items() if own in used and names != "*" for name in names
    )
    return frozenset((*used, *inside))


def gathered(
    path: Path,
    lists: Mapping[str, Lists],
    columns: Mapping[str, Column],
    used: Collection[str] | None = None,
    others: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Column]:
    """Columns of several numbers per row, each from a list of names or `*`; only those `used`.

    `*` means every column of numbers that no list names. `others` states the content of columns
    without numbers. Raises RunFailure: E0505, if a name is not that of a column of numbers.
    """
    named = {name for names in lists.values() if names != "*" for name in names}
    rest = [name for name, c in columns.items() if name not in named and c.raw.dtype.kind in "biuf"]
    return {
        field: together(path, field, rest if names == "*" else list(names), columns, others)
        for field, names in lists.items()
        if used is None or field in used
    }


def together(
    path: Path,
    field: str,
    names: Sequence[str],
    columns: Mapping[str, Column],
    others: Mapping[str, str] = MappingProxyType({}),
) -> Column:
    """One column of the numbers of several, [rows, columns].

    Raises RunFailure: E0505, if a column is missing, or does not have one number per row.
    """
    for name in names:
        if name in others:
            raise unreadable(path, f"`{field}` lists `{name}`, which holds {others[name]}")
        if name not in columns:
            raise unreadable(path, f"it has no column `{name}`, which `{field}` lists")
    found = [columns[name] for name in names]
    if not found or any(c.raw.ndim != 1 or c.raw.dtype.kind not in "biuf" for c in found):
        raise unreadable(path, f"`{field}` may list only columns with one number per row")
    raws = [c.raw if c.factor == 1.0 else c.raw * c.factor for c in found]
    return Column(np.stack(raws, axis=1), names=tuple(names))


def grouped(path: Path, column: Column, count: int) -> Column:
    """The column with `count` lines as one row: [lines / count, count, *shape].

    Raises RunFailure: E0505, if the lines do not fill the rows.
    """
    if count == 1:
        return column
    rows, rest = divmod(len(column.raw), count)
    if rest:
        problem = f"it has {len(column.raw)} lines, which are not rows of {count} lines"
        raise unreadable(path, problem, "correct `lines_per_row` under `data:`")
    return replace(column, raw=column.raw.reshape(rows, count, *column.shape))


# rows of unequal length


def ragged(path: Path, name: str, values: Array, lengths: Array) -> Column:
    """Rows of unequal length, padded with zeros: [rows, longest, *shape].

    `values` has the steps of all rows one after the other, [steps, *shape]; row i has
    `lengths[i]` of them. Raises RunFailure: E0505, if the sum of the lengths is not the number of
    steps; E0513, if the padded rows do not fit into the free memory.
    """
    if not _are_lengths(lengths):
        raise unreadable(path, f"the lengths of `{name}` are not integers, at least 0")
    if int(lengths.sum()) != len(values):
        problem = f"the lengths of `{name}` add up to {int(lengths.sum())} steps"
        raise unreadable(path, f"{problem}, and there are {len(values)}")
    longest = int(lengths.max())
    size = len(lengths) * longest * values[:1].nbytes
    require_memory(path, size, "its longest row decides the size: split or cut it")
    filled = np.zeros((len(lengths), longest, *values.shape[1:]), values.dtype)
    filled[steps_before(lengths, longest)] = values
    return Column(filled, lengths=lengths)


def _are_lengths(values: Array) -> bool:
    are_integers = values.ndim == 1 and values.dtype.kind in "iu" and len(values) > 0
    return are_integers and int(values.min()) >= 0


def with_ragged(path: Path, arrays: Mapping[str, Array]) -> dict[str, Column]:
    """Arrays as columns; arrays with lengths become rows of unequal length.

    `x_lengths` are the lengths of `x_values` or `x`, which becomes the column `x`; `lengths` are
    those of every array whose number of steps is their sum.
    """
    columns: dict[str, Column] = {}
    shared = arrays.get(LENGTHS)
    for name, values in arrays.items():
        stem = name.removesuffix("_values")
        own = shared if name == "values" else arrays.get(f"{stem}_{LENGTHS}")
        if own is not None and (len(own) != len(values) or _sum_to(own, values)):
            columns[stem] = ragged(path, stem, values, own)
        elif shared is not None and len(shared) != len(values) and _sum_to(shared, values):
            columns[name] = ragged(path, name, values, shared)
        else:
            columns[name] = Column(values)
    return columns


def _sum_to(lengths: Array, values: Array) -> bool:
    return _are_lengths(lengths) and int(lengths.sum()) == len(values)


def steps_before(lengths: Array, longest: int) -> Array:
    """The mask of steps that are not padding: [rows, longest]."""
    return np.asarray(np.arange(longest) < lengths[:, None])


def lengthened(column: Column, longest: int) -> Column:
    """Rows of unequal length, padded to the length `longest`."""
    more = 0 if column.lengths is None else longest - column.shape[0]
    if more <= 0:
        return column
    around = [(0, 0), (0, more), *((0, 0) for _ in column.shape[1:])]
    return replace(column, raw=np.pad(column.raw, around))


def without_numbers(column: Column) -> Column:
    """Rows of unequal length, padded with -1, which many-hot encoding ignores, in place of 0."""
    if column.lengths is None:
        return column
    raw = column.raw if column.raw.dtype.kind in "if" else column.raw.astype(np.int64)
    inside = steps_before(column.lengths, column.shape[0])
    inside = inside.reshape(*inside.shape, *(1 for _ in raw.shape[2:]))
    return replace(column, raw=np.where(inside, raw, np.asarray(-1, raw.dtype)))
