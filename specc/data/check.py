"""Whether the values of a column are what the model takes, with the first one that is not."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from specc.data.table import Array, Column, Table
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Field, Support

CHUNK = 1 << 16
"""Rows looked at in one piece, so that a check of a large file stays small."""

TOLERANCE = 1e-4
"""How far the sum of a simplex may be from one: data files round to a few digits."""


def check(table: Table, field: Field, column: Column) -> None:
    """Raises RunFailure E0505, E0508, E0511 or E0512 where a value of the column does not fit."""
    raw = column.raw
    if raw.dtype.kind not in "biuf":
        message = f"the field `{field.name}` holds values of type {raw.dtype}, not numbers"
        raise RunFailure("E0508", message, place=_place(table, field), exit_code=USAGE)
    _check_shape(table, field, raw)
    for start in range(0, len(raw), CHUNK):
        part = raw[start : start + CHUNK]
        if part.dtype.kind == "f":
            _complain(table, field, start, part, ~np.isfinite(part), "E0512", "finite")
        factor = column.factor * (1.0 if field.scale is None else field.scale)
        wrong, expected = _wrong(field, part, factor)
        _complain(table, field, start, part, wrong, "E0508", expected, factor)


def _check_shape(table: Table, field: Field, raw: Array) -> None:
    found, expected = raw.shape[1:], field.shape
    if field.one_hot is not None:
        found = (*found, field.one_hot)
    if math.prod(found) != math.prod(expected):
        message = (
            f"the field `{field.name}` has {_sizes(found)} a row in {table.place}, "
            f"and the model takes {_sizes(expected)}"
        )
        hint = f"write `shape: [{', '.join(map(str, found))}]` for the field"
        raise RunFailure("E0511", message, hint=hint, place=field.at, exit_code=USAGE)


def _wrong(field: Field, raw: Array, factor: float) -> tuple[npt.NDArray[np.bool_], str]:
    """Which raw values do not fit, and what would."""
    if field.one_hot is not None:
        bad = (raw < 0) | (raw >= field.one_hot) | (raw != np.floor(raw))
        return bad, f"whole numbers 0 to {field.one_hot - 1}"
    # Half a unit in the last place is forgiven: 16 * (1 / 16) need not be 1 in every format.
    slack = 1e-6 * abs(factor)
    if field.binarize == "sample":
        values = raw * factor
        return (values < -slack) | (values > 1 + slack), "probabilities in [0, 1]"
    if field.binarize == "threshold":
        return np.zeros(raw.shape, dtype=np.bool_), ""
    return _outside(field.support, raw * factor if factor != 1.0 else raw)


def _outside(support: Support, values: Array) -> tuple[npt.NDArray[np.bool_], str]:
    if support.kind == "interval":
        below = values <= support.low if support.low_open else values < support.low
        above = values >= support.high if support.high_open else values > support.high
        return below | above, _interval(support)
    if support.kind == "integers":
        bad = (values < support.low) | (values > support.high) | (values != np.floor(values))
        return bad, _integers(support)
    if support.kind == "counts":
        return (values < 0) | (values != np.floor(values)), "counts 0, 1, 2, ..."
    if support.kind in ("simplex", "onehot"):
        return _off_simplex(support.kind, values)
    return np.zeros(values.shape, dtype=np.bool_), ""


def _off_simplex(kind: str, values: Array) -> tuple[npt.NDArray[np.bool_], str]:
    total = np.abs(values.sum(-1, keepdims=True) - 1.0) > TOLERANCE
    if kind == "onehot":
        return ((values != 0) & (values != 1)) | total, "one-hot vectors"
    return (values < 0) | total, "vectors that sum to one"


def _complain(
    table: Table,
    field: Field,
    start: int,
    part: Array,
    wrong: npt.NDArray[np.bool_],
    code: str,
    expected: str,
    factor: float = 1.0,
) -> None:
    if not wrong.any():
        return
    row, *column = (int(i) for i in np.argwhere(wrong)[0])
    value = part[(row, *column)] * factor if factor != 1.0 else part[(row, *column)]
    where = f"row {table.first_row + start + row}"
    if column:
        where += f", column {', '.join(map(str, column))}"
    message = f"the field `{field.name}` holds {value:g} in {where}; the model takes {expected}"
    hint = _suggest(field, part)
    raise RunFailure(code, message, hint=hint, place=_place(table, field), exit_code=USAGE)


def _suggest(field: Field, part: Array) -> str:
    """A way out for the usual case: grey values given to a Bernoulli node."""
    binary = field.support.kind == "integers" and (field.support.low, field.support.high) == (0, 1)
    if not binary or field.binarize is not None:
        return ""
    if part.min() >= 0 and part.max() <= 1:
        return "add `binarize: sample` or `binarize: threshold` to the field"
    return ""


def _place(table: Table, field: Field) -> str:
    return field.at or table.place


def _sizes(shape: tuple[int, ...]) -> str:
    return f"values of shape [{', '.join(map(str, shape))}]" if shape else "one number"


def _integers(support: Support) -> str:
    if (support.low, support.high) == (0, 1):
        return "0 or 1"
    if support.high == math.inf:
        low = support.low
        return "whole numbers" if low == -math.inf else f"whole numbers >= {low:g}"
    return f"whole numbers {support.low:g} to {support.high:g}"


def _interval(support: Support) -> str:
    left, right = "(" if support.low_open else "[", ")" if support.high_open else "]"
    if support.high == math.inf:
        return f"numbers {'>' if support.low_open else '>='} {support.low:g}"
    if support.low == -math.inf:
        return f"numbers {'<' if support.high_open else '<='} {support.high:g}"
    return f"numbers in {left}{support.low:g}, {support.high:g}{right}"
