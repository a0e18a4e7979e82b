"""Checks that the values of a column fit the field of the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from specc.data.columns import steps_before
from specc.data.elementwise import clipped, domain, factor_of
from specc.data.missing import has_value, partly_missing
from specc.data.table import Array, Column, Table
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Field, Support

TOLERANCE = 1e-4
"""The tolerance of the sum of a simplex: data files round to a few digits."""

TEXTS = "for classes write `categories: true` in the field; else leave the column out"

Wrong = npt.NDArray[np.bool_]
NOT_ELEMENTWISE = (
    "simplex",
    "onehot",
    "ordered",
    "choleskyfactor",
    "corrcholesky",
    "positivedefinite",
)
"""Sets of vectors and matrices, which cannot be checked entry by entry."""
INTEGER_RANGES = {"int64": (-math.inf, math.inf), "uint8": (0, 255), "bool": (0, 1)}


def check(table: Table, field: Field, column: Column) -> None:
    """Raises RunFailure E0508, E0511, E0512 or E0516 if a value of the column does not fit."""
    raw = column.raw
    if raw.dtype.kind not in "biuf":
        raise not_numbers(table, field, field.origin, f"{kind(raw)}, not numbers")
    _check_shape(table, field, column)
    for start, part in column.chunks():
        inside = _filled(column, start, part)
        if field.missing is not None:
            _check_partly(table, field, column, start, part)
            known = has_value(field.missing, part)
            inside = known if inside is None else inside & known
        for code, wrong, expected, factor in _conditions(field, column, part):
            found = wrong if inside is None else wrong & inside
            if found.any():
                value, where = _first(table, column, start, part, found)
                raise _failure(code, table, field, part, value * factor, where, expected)


KINDS = {
    "M": ("dates", "save them as numbers: `a.astype('datetime64[D]').astype(float)` are days"),
    "m": ("spans of time", "save them as numbers: `a / numpy.timedelta64(1, 'D')` are days"),
    "U": ("texts", TEXTS),
    "S": ("texts", TEXTS),
    "c": ("complex numbers", "save the real and the imaginary part as two arrays"),
    "V": ("records", "save each entry of the records as a separate array"),
    "O": ("Python objects", "save plain arrays of numbers"),
    "decimal": ("decimal numbers", "cast the column to float64 in the file"),
    "list": ("lists", "lists must contain numbers, not lists"),
}
"""The content of arrays without numbers, by kind of dtype, and how to convert it."""


def kind(raw: Array) -> str:
    """The content of an array without numbers: `dates (datetime64[ns])`."""
    return f"{KINDS.get(raw.dtype.kind, ('values', ''))[0]} ({raw.dtype})"


def not_numbers(table: Table, field: Field, column: str, content: str) -> RunFailure:
    """The failure E0508 of a field whose column has no numbers."""
    hint = next((hint for word, hint in KINDS.values() if content.startswith(word)), TEXTS)
    message = f"the field `{field.name}` is `{column}` of {table.place}, which holds {content}"
    return RunFailure("E0508", message, hint=hint, place=field.at, exit_code=USAGE)


def _check_partly(table: Table, field: Field, column: Column, start: int, part: Array) -> None:
    """Checks that a joint event is complete or missing entirely; raises RunFailure E0516."""
    assert field.missing is not None
    wrong = partly_missing(field.missing, part)
    if not wrong.any():
        return
    _, where = _first(table, column, start, part, wrong)
    message = f"`{field.name}`: {where} is missing, and others of the row are not"
    hint = "remove the row, or let all of its entries be missing"
    place = _place(table, field)
    raise RunFailure("E0516", message, hint=hint, place=place, exit_code=USAGE)


def _check_shape(table: Table, field: Field, column: Column) -> None:
    found, expected = column.shape, field.shape
    if field.one_hot is not None:
        found = (*found, field.one_hot)
    if field.many_hot is not None:
        found = (*found[:-1], field.many_hot[1])
    if math.prod(found) != math.prod(expected):
        message = (
            f"the field `{field.name}` has {_sizes(found)} a row in {table.place}, "
            f"and the model takes {_sizes(expected)}"
        )
        hint = f"write `shape: [{', '.join(map(str, found))}]` for the field"
        raise RunFailure("E0511", message, hint=hint, place=field.at, exit_code=USAGE)


def _filled(column: Column, start: int, part: Array) -> Wrong | None:
    """The mask of values before the end of each row of unequal length, in the shape of `part`."""
    if column.lengths is None:
        return None
    inside = steps_before(column.lengths[start : start + len(part)], part.shape[1])
    expanded = inside.reshape(*inside.shape, *(1 for _ in part.shape[2:]))
    return np.broadcast_to(expanded, part.shape)


def _conditions(
    field: Field, column: Column, part: Array
) -> Iterator[tuple[str, Wrong, str, float]]:
    """The checks: code, mask of wrong raw values, expected values, and factor for the message."""
    if part.dtype.kind == "f":
        yield "E0512", ~np.isfinite(part), "a finite number", 1.0
    factor = factor_of(field, column)
    bounds = domain(field)
    if bounds is not None:
        yield "E0508", *_undefined(field, bounds, part, factor), factor
        return
    wrong, expected = _wrong(field, part, factor)
    yield "E0508", wrong, expected, factor
    transforms = (field.binarize, field.one_hot, field.many_hot)
    if field.dtype in INTEGER_RANGES and transforms == (None,) * 3:
        low, high = INTEGER_RANGES[field.dtype]
        values = clipped(field, part * factor if factor != 1.0 else part)
        wrong = (values < low) | (values > high)
        if values.dtype.kind == "f":
            wrong |= values != np.floor(values)
        yield "E0508", wrong, f"what fits the type {field.dtype}", factor


def _undefined(
    field: Field, bounds: tuple[float, float, bool], raw: Array, factor: float
) -> tuple[Wrong, str]:
    """The mask of raw values of which `log` or `logit` is not finite, and the expected values."""
    low, high, is_open = bounds
    support = Support("interval", low, high, is_open, is_open)
    name = "log" if field.log else "logit"
    wrong, expected = _outside(support, clipped(field, raw * factor))
    return wrong, f"{expected}, of which `{name}` is taken"


def _wrong(field: Field, raw: Array, factor: float) -> tuple[Wrong, str]:
    """The mask of raw values that do not fit, and the expected values in words."""
    if field.one_hot is not None and not field.categories:
        low, high = field.base, field.base + field.one_hot - 1
        bad = (raw < low) | (raw > high) | (raw != np.floor(raw))
        return bad, f"an integer {low} to {high}"
    if field.categories:
        # The numbers of categories follow from the training rows, which no other part may exceed.
        return np.zeros(raw.shape, dtype=np.bool_), ""
    if field.many_hot is not None:
        low, size = field.many_hot
        bad = ((raw < low) & (raw != -1)) | (raw >= low + size) | (raw != np.floor(raw))
        return bad, f"an integer {low} to {low + size - 1}, or -1 for none"
    # A tolerance for rounding: 16 * (1 / 16) need not be 1 in every format.
    slack = 1e-6 * abs(factor)
    if field.binarize == "sample":
        values = raw * factor
        return (values < -slack) | (values > 1 + slack), "a probability in [0, 1]"
    if field.binarize == "threshold" or field.standardize:
        return np.zeros(raw.shape, dtype=np.bool_), ""
    values = raw * factor if factor != 1.0 else raw
    if field.base:
        least, most = field.support.low + field.base, field.support.high + field.base
        kind = "integers" if field.support.kind == "counts" else field.support.kind
        return _outside(replace(field.support, kind=kind, low=least, high=most), values)
    values = clipped(field, values)
    if field.support.kind not in NOT_ELEMENTWISE or field.missing is not None:
        return _outside(field.support, values)
    wrong, expected = _outside(field.support, values.reshape(len(values), *field.shape))
    return wrong.reshape(raw.shape), expected


def _outside(support: Support, values: Array) -> tuple[Wrong, str]:
    if support.kind == "interval":
        below = values <= support.low if support.low_open else values < support.low
        above = values >= support.high if support.high_open else values > support.high
        return below | above, _interval(support)
    if support.kind == "integers":
        bad = (values < support.low) | (values > support.high) | (values != np.floor(values))
        return bad, _integers(support)
    if support.kind == "counts":
        return (values < 0) | (values != np.floor(values)), "a count 0, 1, 2, ..."
    if support.kind in ("simplex", "onehot"):
        return _off_simplex(support.kind, values)
    if support.kind == "ordered":
        return _falls(values), "more than the entry before it"
    if support.kind == "choleskyfactor":
        return _no_factor(values)
    if support.kind == "corrcholesky":
        return _no_correlations(values)
    if support.kind == "positivedefinite":
        return _indefinite(values)
    return np.zeros(values.shape, dtype=np.bool_), ""


def _off_simplex(kind: str, values: Array) -> tuple[Wrong, str]:
    total = np.abs(values.sum(-1, keepdims=True) - 1.0) > TOLERANCE
    if kind == "onehot":
        return ((values != 0) & (values != 1)) | total, "part of a one-hot vector"
    return (values < 0) | total, "part of a vector that sums to one"


def _falls(values: Array) -> Wrong:
    """The mask of entries that are not above the one before them."""
    wrong = np.zeros(values.shape, dtype=np.bool_)
    wrong[..., 1:] = np.diff(values, axis=-1) <= 0
    return wrong


def _no_factor(values: Array) -> tuple[Wrong, str]:
    """The mask of nonzero entries above the diagonal, and of nonpositive ones on it."""
    size = values.shape[-1]
    above = np.triu(np.ones((size, size), dtype=np.bool_), 1)
    wrong = (above & (values != 0)) | (np.eye(size, dtype=np.bool_) & (values <= 0))
    return wrong, "a Cholesky factor: lower triangular, its diagonal positive"


def _no_correlations(values: Array) -> tuple[Wrong, str]:
    """The mask of `_no_factor`, and of rows whose norm is not 1."""
    wrong, _ = _no_factor(values)
    wrong |= np.abs(np.square(values).sum(-1, keepdims=True) - 1.0) > TOLERANCE
    return wrong, "a Cholesky factor with rows of norm 1"


def _indefinite(values: Array) -> tuple[Wrong, str]:
    """The mask of entries that differ from their mirror images, and of indefinite matrices."""
    slack = TOLERANCE * np.abs(values).max((-2, -1), keepdims=True)
    wrong = np.abs(values - np.swapaxes(values, -2, -1)) > slack
    symmetric = np.where(np.isfinite(values), values, 0.0)
    lowest = np.linalg.eigvalsh(symmetric)[..., 0]
    wrong |= (lowest <= 0.0)[..., None, None]
    return wrong, "a symmetric matrix with positive eigenvalues"


# words


def _first(
    table: Table, column: Column, start: int, part: Array, wrong: Wrong
) -> tuple[float, str]:
    """The first wrong raw value, and its place: `row 17, column 3 (`age`) of a.csv`."""
    row, *place = (int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    where = f"row {table.row(start + row)}"
    if place:
        where += f", column {', '.join(map(str, place))}"
        where += f" (`{column.names[place[0]]}`)" if column.names else ""
    return float(part[(row, *place)]), f"{where} of {table.place}" if table.place else where


def _failure(
    code: str, table: Table, field: Field, part: Array, value: float, where: str, expected: str
) -> RunFailure:
    shown = "missing (not a number)" if math.isnan(value) else f"{value:g}"
    takes = f"but {_expectation(field)} {expected}"
    hint = _suggest(field, part)
    if code == "E0512":
        takes = "and every value must be a finite number"
        hint = "remove the row, or fill in the value" + _missing_hint(field, value)
    message = f"`{field.name}`: {where} is {shown}, {takes}"
    return RunFailure(code, message, hint=hint, place=_place(table, field), exit_code=USAGE)


def _missing_hint(field: Field, value: float) -> str:
    """A further hint for a missing value, if the node can allow it."""
    if not math.isnan(value) or not field.distribution:
        return ""
    if field.whole:
        return f": `{field.name}` is a part of `{field.whole}`, of which none can be missing"
    return f"; or state in the node `{field.name}` how missing values are treated: `missing: ...`"


def _expectation(field: Field) -> str:
    """The start of the clause on expected values, such as `a bernoulli node holds`."""
    if field.constrain:
        return f"`constrain: {field.constrain}` states that it is"
    if not field.distribution:
        return "the model needs"
    article = "an" if field.distribution[0] in "aeio" else "a"  # a uniform node
    return f"{article} {field.distribution} node holds"


def _suggest(field: Field, part: Array) -> str:
    """The hint for grey values of a Bernoulli node; "" in other cases."""
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
        return "an integer" if low == -math.inf else f"an integer >= {low:g}"
    return f"an integer {support.low:g} to {support.high:g}"


def _interval(support: Support) -> str:
    left, right = "(" if support.low_open else "[", ")" if support.high_open else "]"
    if support.high == math.inf:
        return f"a number {'>' if support.low_open else '>='} {support.low:g}"
    if support.low == -math.inf:
        return f"a number {'<' if support.high_open else '<='} {support.high:g}"
    return f"a number in {left}{support.low:g}, {support.high:g}{right}"
