"""CSV files: a header with the names of the columns, then a row of numbers a line."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.files import folder_for, inside, unreadable
from specc.data.table import ALL, Array, Column, Table

FIRST_ROW = 2
"""The line of the first row of numbers; the header is line 1."""


def read(options: Mapping[str, Any], folder: Path | None) -> Table:
    """A field for each column of the file `path`; `delimiter` is a comma unless it is given.

    Option `columns` maps further fields to lists of columns: `{features: [a, b, c]}` is a field
    of three numbers a row.
    """
    path = inside(folder_for("csv", folder), str(options.get("path", "")))
    names, values = _numbers(path, str(options.get("delimiter", ",")))
    columns = {name: Column(_compact(values[:, i])) for i, name in enumerate(names)}
    place = {name: i for i, name in enumerate(names)}
    for field, wanted in dict(options.get("columns", {})).items():
        found = [str(name) for name in wanted]
        missing = [name for name in found if name not in place]
        if missing:
            raise unreadable(path, f"it has no column `{missing[0]}`, which `{field}` is to hold")
        columns[field] = Column(values[:, [place[name] for name in found]])
    masks = {n: c.raw.astype(np.bool_) for n, c in columns.items() if _is_mask(c.raw)}
    return Table({ALL: columns}, masks, first_row=FIRST_ROW, place=path.name)


def _is_mask(values: Array) -> bool:
    return values.ndim == 1 and bool(np.isin(values, (0, 1)).all())


def _compact(values: Array) -> Array:
    """Whole numbers as int64, which a label or an index needs."""
    finite = np.isfinite(values).all()
    if finite and (np.abs(values) < 2**53).all() and (values == np.floor(values)).all():
        return values.astype(np.int64)
    return values


def _numbers(path: Path, delimiter: str) -> tuple[list[str], Array]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=delimiter)
            names = [name.strip() for name in next(lines, [])]
            if not names or len(set(names)) != len(names):
                raise unreadable(path, "its first line is not a header of different names")
            rows = [_row(path, names, line, lines.line_num) for line in lines if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, str(error)) from error
    if not rows:
        raise unreadable(path, "it has a header, but no rows")
    return names, np.array(rows, dtype=np.float64)


def _row(path: Path, names: list[str], line: list[str], number: int) -> list[float]:
    if len(line) != len(names):
        problem = f"line {number} has {len(line)} values, and the header names {len(names)}"
        raise unreadable(path, problem)
    values: list[float] = []
    for name, text in zip(names, line, strict=True):
        try:
            values.append(float(text))
        except ValueError as error:
            problem = f"line {number}, column `{name}`: {text!r} is not a number"
            raise unreadable(path, problem) from error
    return values
