"""CSV files: a header with the names of the columns, then a row of numbers a line."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.columns import compact, gathered, masks_of
from specc.data.files import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, Array, Column, Table

MISSING = frozenset({"", "na", "nan", "null", "none", "?"})
"""Cells without a value, in any case of letters."""

GROWTH = 8
"""Bytes of memory for each byte of text: `0,` becomes a number of 8 bytes, twice for a moment."""


def read(options: Mapping[str, Any], folder: Path | None) -> Table:
    """A field for each column of the file `path`; `delimiter` is a comma unless it is given.

    Option `columns` maps further fields to lists of columns: `{features: [a, b, c]}` is a field
    of three numbers a row. A cell without a value is not a number, which a field then refuses.
    """
    path = inside(folder_for("csv", folder), str(options.get("path", "")))
    require_memory(path, GROWTH * path.stat().st_size, "save it with `numpy.save` instead")
    names, values, lines = _numbers(path, str(options.get("delimiter", ",")))
    columns = {name: Column(compact(values[:, i])) for i, name in enumerate(names)}
    columns |= gathered(path, dict(options.get("columns", {})), columns)
    return Table({ALL: columns}, masks_of(columns), lines=lines, place=path.name)


def _numbers(path: Path, delimiter: str) -> tuple[list[str], Array, array[int]]:
    """The names of the columns, the values [rows, columns], and the line of each row."""
    values, ends = array("d"), array("q")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=delimiter)
            names = [name.strip() for name in next(lines, [])]
            if not names or len(set(names)) != len(names):
                raise unreadable(path, "its first line is not a header of different names")
            for line in lines:
                if line:
                    values.extend(_row(path, names, line, lines.line_num))
                    ends.append(lines.line_num)
    except (OSError, UnicodeDecodeError, csv.Error, TypeError) as error:
        raise unreadable(path, str(error)) from error
    if not ends:
        raise unreadable(path, "it has a header, but no rows")
    return names, np.array(values).reshape(-1, len(names)), ends


def _row(path: Path, names: list[str], line: list[str], number: int) -> list[float]:
    if len(line) != len(names):
        problem = f"line {number} has {len(line)} values, and the header names {len(names)}"
        raise unreadable(path, problem)
    return [_cell(path, name, text, number) for name, text in zip(names, line, strict=True)]


def _cell(path: Path, name: str, text: str, line: int) -> float:
    try:
        return float(text)
    except ValueError as error:
        if text.strip().lower() in MISSING:
            return float("nan")
        problem = f"line {line}, column `{name}`: {text!r} is not a number"
        raise unreadable(path, problem) from error
