"""Reading of data as arrays: the columns of the fields, checked and split, without torch."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.categories import Categories, categories_of, encoded, numbered, recorded
from specc.data.check import check, not_numbers
from specc.data.columns import lengthened, together, without_numbers
from specc.data.data_folder import unreadable
from specc.data.limits import check_limits
from specc.data.missing import with_masks
from specc.data.numbered_rows import ROWS, numbered_rows
from specc.data.sources import reader
from specc.data.split import TRAIN, split
from specc.data.subset import chosen
from specc.data.table import ALL, TEXTS, Column, Part, Table
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Data, Field


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts by name, each with the checked fields of the model, and learnt categories."""

    parts: dict[str, Part]
    categories: Categories


def parts_of(data: Data, folder: Path | None, record: Mapping[str, Any] | None = None) -> Parts:
    """The parts, with the categories of the training rows, or those in the `record` of a run.

    Raises RunFailure: E05xx, if a file or a value does not fit; E0803, if the record lacks them.
    """
    tables = tables_of(data, folder)
    for failure in failures(tables, data):
        raise failure
    return finished(parted(tables, data), data, record)


def finished(
    parts: Mapping[str, Part], data: Data, record: Mapping[str, Any] | None = None
) -> Parts:
    """The parts of the tables with numbered categories and masks, as `parts_of` returns them."""
    known = categories_of(data, parts) if record is None else recorded(data.fields, record)
    return Parts(with_masks(numbered(data, parts, known), data), known)


def tables_of(data: Data, folder: Path | None) -> dict[str, Table]:
    """The tables: the source under the name "", and each file that is a part under its name.

    The columns are those of the fields, under the names of the fields. Raises RunFailure: E05xx.
    """
    try:
        found = _read(data, folder)
    except RunFailure as failure:
        if failure.code == "E0504" and data.doc:
            failure.hint += f"\n  the `doc` of the spec: {data.doc}"
        raise
    chosen = {name: _chosen(table, data) for name, table in found.items()}
    _same_classes(chosen, data.fields)
    return chosen


def _read(data: Data, folder: Path | None) -> dict[str, Table]:
    if data.source == ROWS:
        return {"": numbered_rows(data.options)}
    read, used = reader(data.source), _used(data)
    options = {**data.options, **texts_of(data)}
    found = {"": read(options, folder, used)}
    for name, rule in data.split.items():
        if isinstance(rule, Mapping):
            found[name] = _alone(name, read({**options, **rule}, folder, used))
    return found


def texts_of(data: Data) -> dict[str, Any]:
    """The option with the columns that are texts, for sources that read them as numbers."""
    texts = [own.origin for own in data.fields.values() if own.categories]
    return {TEXTS: texts} if texts else {}


def _used(data: Data) -> frozenset[str]:
    """The columns that fields use, and those that a split names."""
    masks = {rule.partition("[")[0] for rule in data.split.values() if isinstance(rule, str)}
    return frozenset(masks.union(*(field.columns for field in data.fields.values())))


def _alone(name: str, table: Table) -> Table:
    """A file that is one part; raises RunFailure E0509 if it has several."""
    if set(table.parts) == {ALL}:
        return table
    message = f"the split `{name}` cannot be made: {table.place} has several parts"
    raise RunFailure("E0509", message, exit_code=USAGE)


def _chosen(table: Table, data: Data) -> Table:
    """The table with the columns of the fields, under the names of the fields."""
    parts = {name: _fields(table, data, part) for name, part in table.parts.items()}
    for part in parts.values():
        _check_rows(table, part)
    return replace(table, parts=parts)


def _fields(table: Table, data: Data, part: Part) -> dict[str, Column]:
    for field in data.fields.values():
        for column in field.columns:
            if column in table.others:
                raise not_numbers(table, field, column, table.others[column])
            if column not in part:
                has = ", ".join(sorted({*part, *table.names}))
                message = f"the data source `{data.source}` has no `{column}`"
                where = f"{table.place} has {has}"
                raise RunFailure("E0503", message, hint=where, place=field.at, exit_code=USAGE)
    return {
        name: _fitted(field, _column(table, field, part)) for name, field in data.fields.items()
    }


def _column(table: Table, field: Field, part: Part) -> Column:
    """The column of a field; several columns are stacked to one."""
    if isinstance(field.column, str):
        return part[field.column]
    return together(Path(table.place), field.name, field.column, part)


def _fitted(field: Field, column: Column) -> Column:
    """The column with rows of unequal length padded to the length of the model."""
    if field.categories:
        return encoded(field, column)
    if column.lengths is None or not column.raw.ndim > 1:
        return column
    step = math.prod(column.shape[1:]) * (field.one_hot or 1)
    if field.many_hot is not None:
        step = math.prod(column.shape[1:-1]) * field.many_hot[1]
    found = lengthened(column, math.prod(field.shape) // step) if step else column
    return found if field.many_hot is None else without_numbers(found)


def _check_rows(table: Table, part: Part) -> None:
    """Raises RunFailure: E0505 for a part without rows, E0507 if fields differ in their rows."""
    (first, reference), *others = part.items()
    if not len(reference):
        raise unreadable(Path(table.place), "it has no rows")
    for name, column in others:
        if len(column) != len(reference):
            message = (
                f"the field `{name}` has {len(column)} rows in {table.place}, "
                f"but `{first}` has {len(reference)}"
            )
            raise RunFailure("E0507", message, exit_code=USAGE)


def _same_classes(tables: Mapping[str, Table], fields: Mapping[str, Field]) -> None:
    """Checks that named classes have the same numbers in all files; raises RunFailure E0509."""
    own = next(iter(tables[""].parts.values()))
    for name, table in tables.items():
        for field, column in next(iter(table.parts.values())).items():
            expected = own[field].classes
            if column.classes != expected and not fields[field].categories:
                here, there = ", ".join(column.classes), ", ".join(expected)
                message = (
                    f"the split `{name}` cannot be made: the classes of `{field}` are {here}, "
                    f"and {there} in the other part"
                )
                raise RunFailure("E0509", message, exit_code=USAGE)


def failures(tables: Mapping[str, Table], data: Data) -> Iterator[RunFailure]:
    """The failures of values: the first wrong one of each field and file."""
    for table in tables.values():
        for part in table.parts.values():
            for name, field in data.fields.items():
                try:
                    check(table, field, part[name])
                    check_limits(table, field, data.fields, part)
                except RunFailure as failure:
                    yield failure


def parted(tables: Mapping[str, Table], data: Data) -> dict[str, Part]:
    """The parts by name; raises RunFailure: E0509 if one cannot be made, E0522 for a subset."""
    rules: dict[str, Any] = {n: r for n, r in data.split.items() if n not in tables}
    table = tables[""]
    if len(tables) > 1 and not rules:
        table = replace(table, default_split={})
    found = split(table, rules)
    again = [name for name in tables if name in found]
    if again:
        message = f"the split `{again[0]}` cannot be made: {table.place} has that part already"
        raise RunFailure("E0509", message, exit_code=USAGE)
    if data.subset is not None:
        found[TRAIN] = chosen(found[TRAIN], data.subset)
    return {**found, **{name: t.parts[ALL] for name, t in tables.items() if name}}


def digest(parts: Mapping[str, Part], categories: Categories) -> str:
    """A hash of names, shapes, types and bytes, by which a run recognizes its data."""
    found = hashlib.sha256(repr(sorted(categories.items())).encode() if categories else b"")
    for name, part in sorted(parts.items()):
        for field, column in sorted(part.items()):
            shape = (len(column), *column.shape)
            head = f"{name}/{field}{shape}{column.raw.dtype.str}{column.factor!r}"
            found.update(head.encode())
            for _, chunk in column.chunks():
                found.update(np.ascontiguousarray(chunk).view(np.uint8).data)
            if column.known is not None:
                found.update(np.packbits(column.known).data)
    return found.hexdigest()[:32]
