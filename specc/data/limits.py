"""Checks that the values of a field agree with the other fields of their row.

The counts of a multinomial row add up to the total in another field; a binomial count is at most
the number of trials; a uniform value is between its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from specc.data.elementwise import is_scaled_alone, values_of
from specc.data.missing import has_value
from specc.data.table import Array, Column, Part, Table
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Field, Limit

TOLERANCE = 1e-6
"""The relative tolerance for rounding of floats."""


def check_limits(table: Table, field: Field, fields: Mapping[str, Field], part: Part) -> None:
    """Raises RunFailure E0508 with the first row whose value exceeds a limit of the row."""
    if _changed(field) or part[field.name].lengths is not None:
        return
    for limit in field.limits:
        other = fields.get(limit.field or "")
        if limit.value is None and (other is None or _changed(other)):
            continue
        if other is None or part[other.name].raw.dtype.kind in "biuf":
            _check(table, field, limit, other, part)


def _changed(field: Field) -> bool:
    """Whether the model gets other numbers than the scaled ones of the source."""
    other = (field.binarize, field.one_hot, field.many_hot)
    scales = field.base or is_scaled_alone(field)
    return field.standardize or not scales or other != (None,) * 3


def _check(table: Table, field: Field, limit: Limit, other: Field | None, part: Part) -> None:
    """Raises RunFailure E0508 with the first row whose value exceeds this limit."""
    column = part[field.name]
    for start, raw in column.chunks():
        values = _rows(field, column, raw)
        if limit.kind == "total":
            values = values.sum(-1)
        ends: Array | None = np.full((1,) * values.ndim, limit.value or 0.0)
        if other is not None:
            own = part[other.name]
            ends = _aligned(_rows(other, own, own.rows(start, start + len(raw))), values.shape)
        if ends is None:
            return
        wrong = _beyond(limit, values, ends)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            value = float(values[place])
            end = float(np.broadcast_to(ends, values.shape)[place])
            raise _failure(table, field, limit, start, place, value, end)


def _rows(field: Field, column: Column, raw: Array) -> Array:
    """The values in the shape of the model, with NaN for missing values."""
    values = values_of(field, column, raw)
    if field.missing is not None:
        values = np.where(has_value(field.missing, raw), values, np.nan)
    return values.reshape(len(raw), *field.shape)


def _aligned(ends: Array, shape: tuple[int, ...]) -> Array | None:
    """The limits, broadcast against `shape`: their axes are the first of a row, or the last."""
    own, rest = ends.shape[1:], len(shape) - ends.ndim
    if rest < 0:
        return None
    if own == shape[1 : 1 + len(own)]:
        return ends.reshape(len(ends), *own, *[1] * rest)
    if own == shape[len(shape) - len(own) :]:
        return ends.reshape(len(ends), *[1] * rest, *own)
    return None


def _beyond(limit: Limit, values: Array, ends: Array) -> Array:
    """The mask of values beyond their limit; missing values are not."""
    slack = TOLERANCE * np.maximum(1.0, np.abs(ends))
    found = {
        "total": np.abs(values - ends) > slack,
        "least": values < ends - slack,
        "most": values > ends + slack,
    }
    return np.asarray(found[limit.kind])


def _failure(
    table: Table,
    field: Field,
    limit: Limit,
    start: int,
    place: tuple[int, ...],
    value: float,
    end: float,
) -> RunFailure:
    """The failure E0508 of a value beyond its limit."""
    row, *inner = place
    where = f"row {table.row(start + row)}"
    where += f", column {', '.join(map(str, inner))}" if inner else ""
    what = "adds up to" if limit.kind == "total" else "is"
    bound = {"total": "is", "least": "is at least", "most": "is at most"}[limit.kind]
    name = f"`{limit.parameter}`"
    if limit.field is not None:
        name += f" (`{limit.field}` of the row)"
    expected = f"{name} is {end:g}"
    message = f"`{field.name}`: {where} of {table.place} {what} {value:g}, but {expected}"
    node = f"of a {field.distribution} node " if field.distribution else ""
    subject = "the sum of its entries" if limit.kind == "total" else "a value"
    hint = f"correct the row: {subject} {node}{bound} `{limit.parameter}`"
    return RunFailure("E0508", message, hint=hint, place=field.at or table.place, exit_code=USAGE)
