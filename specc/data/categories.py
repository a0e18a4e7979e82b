"""Categories of a field: texts or numbers of a column, numbered as the training rows have them.

The categories are the different values of the training rows in ascending order, texts of numbers as
numbers; the value of a row is the number of its category, from 0. A run keeps them, so that later
rows have the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from specc.counted import noun
from specc.data.split import TRAIN
from specc.data.table import Array, Column, Part
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Data, Field

KEY = "categories of {}"
"""The key, in the record of a run, of the categories of a field."""

VALUES = "values"

Categories = Mapping[str, tuple[str, ...]]
"""The categories of fields by name, in order."""

SHOWN = 8
"""The most categories in a message."""


def encoded(field: Field, column: Column) -> Column:
    """The column with the numbers of its own values in ascending order, which become `classes`.

    An empty text, and a number that is NaN or the marker of the field, is a missing value, NaN.
    """
    raw = column.rows(0, len(column))
    known = raw != "" if raw.dtype.kind in "US" else ~np.isnan(raw.astype(np.float64))
    if field.missing is not None and field.missing.marker is not None:
        known = known & (raw != field.missing.marker)
    values, numbers = np.unique(raw[known], return_inverse=True)
    order = _order(values)
    codes: Array = np.argsort(order)[numbers.reshape(-1)].astype(np.int64)
    if not known.all():
        some = np.full(raw.shape, np.nan)
        some[known] = codes
        codes = some
    return replace(column, raw=codes.reshape(raw.shape), chosen=None, classes=_words(values[order]))


def _order(values: Array) -> Array:
    """The indices of the values in ascending order, as numbers if all texts are numbers."""
    try:
        return np.argsort(values.astype(np.float64), kind="stable")
    except ValueError:
        return np.arange(len(values))


def _words(values: Array) -> tuple[str, ...]:
    if values.dtype.kind == "f":
        return tuple(f"{value:.17g}" for value in values)
    return tuple(str(value) for value in values.tolist())


def categories_of(data: Data, parts: Mapping[str, Part]) -> dict[str, tuple[str, ...]]:
    """The categories of the training rows, for each field that has them."""
    found = {}
    for name, field in data.fields.items():
        if field.categories:
            column = parts[TRAIN][name]
            used = np.unique(column.raw[~np.isnan(column.raw)]).astype(np.int64)
            found[name] = tuple(column.classes[number] for number in used)
    return found


def numbered(data: Data, parts: Mapping[str, Part], known: Categories) -> dict[str, Part]:
    """The parts with the numbers of the `known` categories.

    Raises RunFailure: E0523 for a value that is none of them, or for more of them than the model
    has classes.
    """
    for name, own in known.items():
        _check_count(data.fields[name], own)
    return {
        part: {
            name: _renumbered(data.fields[name], part, column, known[name])
            if name in known
            else column
            for name, column in columns.items()
        }
        for part, columns in parts.items()
    }


def _renumbered(field: Field, part: str, column: Column, known: tuple[str, ...]) -> Column:
    numbers = {text: number for number, text in enumerate(known)}
    table = np.array([numbers.get(text, -1) for text in column.classes], dtype=np.int64)
    there = ~np.isnan(column.raw)
    codes = column.raw[there].astype(np.int64)
    found = table[codes] if len(table) else codes
    if (found < 0).any():
        raise _unknown(field, part, column, codes[found < 0], known)
    raw = found.reshape(column.raw.shape) if there.all() else np.full(column.raw.shape, np.nan)
    raw[there] = found
    return replace(column, raw=raw, classes=known)


def _unknown(
    field: Field, part: str, column: Column, codes: Array, known: tuple[str, ...]
) -> RunFailure:
    text, count = column.classes[int(codes[0])], int((codes == codes[0]).sum())
    rows = f"{count} {noun(count, 'row')}"
    # Training rows themselves have no other values, so these are those of another file.
    rows += "" if part == TRAIN else f" of `{part}`"
    message = (
        f"`{field.name}` is {text!r} in {rows}, and in no training row: "
        f"its categories are {_shown(known)}"
    )
    hint = "correct the value, leave the row out, or train with rows that have it"
    return RunFailure("E0523", message, hint=hint, place=field.at, exit_code=USAGE)


def _check_count(field: Field, known: tuple[str, ...]) -> None:
    """Raises RunFailure E0523 if there are more categories than the model has classes."""
    most = field.one_hot or _most(field)
    if most is None or len(known) <= most:
        return
    message = (
        f"`{field.name}` has {len(known)} categories in the training rows ({_shown(known)}), "
        f"and the model has {most} classes"
    )
    hint = f"state their number in the model, {len(known)}, or correct the data"
    raise RunFailure("E0523", message, hint=hint, place=field.at, exit_code=USAGE)


def _most(field: Field) -> int | None:
    """The number of classes that the support of the field allows, None for any."""
    high = field.support.high
    return int(high) + 1 if field.support.kind == "integers" and np.isfinite(high) else None


def _shown(known: tuple[str, ...]) -> str:
    more = f", and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return ", ".join(known[:SHOWN]) + more


def stored(known: Categories) -> dict[str, Any]:
    """The categories as JSON, for the record of a run."""
    return {KEY.format(name): {VALUES: list(own)} for name, own in known.items()}


def recorded(fields: Mapping[str, Field], record: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The categories in the record of a run, for each field that has them.

    Raises RunFailure: E0803, if they are missing.
    """
    found = {}
    for name, field in fields.items():
        if not field.categories:
            continue
        own = record.get(KEY.format(name), {}).get(VALUES)
        if not isinstance(own, list) or not all(isinstance(text, str) for text in own):
            message = f"run.json is damaged: it has no categories for the field `{name}`"
            raise RunFailure("E0803", message, hint="restore run.json from a copy, or train again")
        found[name] = tuple(own)
    return found
