"""JSON: a list of records, or one record per line; each key is a column."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.columns import LENGTHS, compact, masks_of, ragged
from specc.data.data_folder import folder_for, inside, unreadable
from specc.data.table import ALL, Array, Column, Table
from specc.data.text import lines as text_lines
from specc.runtime.failure import RunFailure

GROWTH = 24
"""Bytes of memory for each byte of text, while the values are Python numbers."""

Records = list[dict[str, Any]]


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """A column for each key: numbers, booleans, and lists of numbers, of equal length or not.

    An absent key and `null` are missing values. Lists of unequal length are padded with zeros, and
    `NAME_lengths` has their lengths. Texts become columns that no field can use.
    """
    path = inside(folder_for("json", folder), str(options.get("path", "")))
    records, lines = _records(path)
    names = tuple(dict.fromkeys(name for record in records for name in record))
    columns: dict[str, Column] = {}
    for name in names:
        if used is None or name in used or f"{name}_{LENGTHS}" in used:
            columns |= _column(path, name, [record.get(name) for record in records], lines)
    if not names:
        raise unreadable(path, "its records have no keys")
    masks = masks_of(columns)
    return Table({ALL: columns}, masks, lines=lines, place=path.name, names=names)


def _records(path: Path) -> tuple[Records, list[int] | None]:
    """The records, and their lines if each record has one."""
    text = "".join(text_lines(path, GROWTH))
    if text.lstrip()[:1] == "[":
        found, lines = _parsed(path, text, ""), None
    else:
        numbered = [(n, s) for n, s in enumerate(text.split("\n"), 1) if s.strip()]
        found = [_parsed(path, s, f"line {n}: ") for n, s in numbered]
        lines = [n for n, _ in numbered]
    for number, record in enumerate(found):
        if not isinstance(record, dict):
            where = f"line {lines[number]}" if lines else f"item {number} of its list"
            raise unreadable(path, f"{where} is no record, as {{'x': 1}}")
    if not found:
        raise unreadable(path, "it has no records")
    return found, lines


def _parsed(path: Path, text: str, where: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "a file is one list of records, or has one record a line"
        raise unreadable(path, f"{where}{error}", hint) from error


def _column(path: Path, name: str, values: list[Any], lines: list[int] | None) -> dict[str, Column]:
    if all(value is None or isinstance(value, str) for value in values):
        return {name: Column(np.array([value or "" for value in values]))}
    if any(isinstance(value, list) for value in values):
        rows = [_steps(path, name, value, i, lines) for i, value in enumerate(values)]
        return _stacked(path, name, rows)
    return {name: Column(_numbers(path, name, values, lines))}


def _numbers(path: Path, name: str, values: list[Any], lines: list[int] | None) -> Array:
    """Numbers, with NaN for `null`; booleans if all values are."""
    if all(isinstance(value, bool) for value in values):
        return np.array(values)
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, (int, float)):
            raise _wrong(path, row, lines, f"`{name}` is {_shown(value)}, not a number")
    try:
        return compact(np.array([np.nan if v is None else float(v) for v in values]))
    except OverflowError as error:
        raise unreadable(path, f"`{name}` has a number that is too large") from error


def _steps(path: Path, name: str, value: object, row: int, lines: list[int] | None) -> Array:
    """One row as an array; raises RunFailure E0505 for lists that are not an array of numbers."""
    if value is None:
        raise _wrong(path, row, lines, f"`{name}` is missing, and is a list elsewhere")
    try:
        found = np.array(value, dtype=np.float64) if _is_numeric(value) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or found.ndim == 0:
        what = f"`{name}` is {_shown(value)}, not a list of numbers, or of equal lists of them"
        raise _wrong(path, row, lines, what)
    return found


def _is_numeric(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_numeric(item) for item in value)
    return value is None or isinstance(value, (int, float))


def _stacked(path: Path, name: str, rows: list[Array]) -> dict[str, Column]:
    filled = [row for row in rows if row.size]
    inner = {row.shape[1:] for row in filled} or {()}
    if len(inner) > 1:
        sizes = " and ".join(str(list(shape)) for shape in sorted(inner))
        raise unreadable(path, f"the steps of `{name}` have unequal shapes, {sizes}")
    shape = inner.pop()
    steps = np.concatenate([np.empty((0, *shape)), *(row.reshape(-1, *shape) for row in filled)])
    if len({len(row) for row in rows}) == 1:
        return {name: Column(compact(np.stack(rows)))}
    lengths = np.array([len(row) for row in rows])
    column = ragged(path, name, compact(steps), lengths)
    return {name: column, f"{name}_{LENGTHS}": Column(lengths)}


def _wrong(path: Path, row: int, lines: list[int] | None, problem: str) -> RunFailure:
    where = f"line {lines[row]}" if lines else f"record {row}"
    return unreadable(path, f"{where}: {problem}")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
