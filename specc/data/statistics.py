"""Mean and standard deviation of the training rows, for `standardize`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from specc.data.elementwise import values_of
from specc.data.missing import mean, shown
from specc.data.split import TRAIN
from specc.data.table import Array, Column, Part
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Data, Field


@dataclass(frozen=True, slots=True)
class Statistics:
    """Mean and standard deviation of each number of a row, over the rows, before standardizing."""

    mean: Array
    deviation: Array

    def as_json(self) -> dict[str, list[Any]]:
        """The statistics as lists of exact numbers."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Statistics:
        """The statistics from the result of `as_json`; NaN if it is not an array of numbers."""
        try:
            return cls(np.asarray(found["mean"], float), np.asarray(found["deviation"], float))
        except ValueError:  # lists of unequal length
            return cls(np.full((), np.nan), np.full((), np.nan))

    def fit(self, shape: tuple[int, ...], divides: bool) -> bool:
        """Whether they are finite and of the shape, with positive deviations if one `divides`."""
        has_shape = self.mean.shape == shape and self.deviation.shape == shape
        finite = bool(np.isfinite(self.mean).all() and np.isfinite(self.deviation).all())
        return has_shape and finite and not (divides and bool((self.deviation <= 0).any()))


@dataclass(frozen=True, slots=True)
class Standardized:
    """The statistics of standardized fields, and the failures of fields without them."""

    found: Mapping[str, Statistics]
    failures: list[RunFailure]


def standardized(data: Data, parts: Mapping[str, Part]) -> Standardized:
    """The statistics of the training rows, for all standardized fields."""
    found, failures = {}, []
    for name, field in data.fields.items():
        if not field.standardize:
            continue
        try:
            column = parts[TRAIN][name]
            found[name] = statistics(field, column)
        except RunFailure as failure:
            failures.append(failure)
    return Standardized(found, failures)


def statistics(field: Field, column: Column) -> Statistics:
    """The statistics of the transformed values, entry by entry of a row.

    The deviation is sqrt(mean((v - mean(v))^2)), from a second pass over the rows, so that a large
    mean does not reduce its precision. Raises RunFailure: E0515, if a column is constant; E0511, if
    the rows are of unequal length.
    """
    if column.lengths is not None:
        problem = "its rows are of unequal length"
        message = f"`standardize` does not fit the field `{field.name}`: {problem}"
        raise RunFailure("E0511", message, place=field.at, exit_code=USAGE)
    if column.known is not None:
        return _of_known(field, column)
    total = np.zeros(column.shape)
    low, high = np.full(column.shape, np.inf), np.full(column.shape, -np.inf)
    for _, part in column.chunks():
        values = values_of(field, column, part)
        total += values.sum(0)
        low, high = np.minimum(low, values.min(0)), np.maximum(high, values.max(0))
    _refuse_constant(field, column, low, high)
    center = total / len(column)
    squares = np.zeros(column.shape)
    for _, part in column.chunks():
        squares += np.square(values_of(field, column, part) - center).sum(0)
    return Statistics(center, np.sqrt(squares / len(column)))


def _of_known(field: Field, column: Column) -> Statistics:
    """The statistics of the known values of a column in memory."""
    there = shown(column)
    assert there is not None
    values = np.where(there, values_of(field, column, column.raw), np.nan)
    count = (~np.isnan(values)).sum(0)
    low = np.where(count > 0, np.nan_to_num(values, nan=np.inf).min(0), 0.0)
    high = np.where(count > 0, np.nan_to_num(values, nan=-np.inf).max(0), 0.0)
    _refuse_constant(field, column, low, high)
    center = mean(field, column)
    squares = np.where(np.isnan(values), 0.0, np.square(values - center)).sum(0)
    return Statistics(center, np.sqrt(squares / count))


def _refuse_constant(field: Field, column: Column, low: Array, high: Array) -> None:
    same = low == high
    if not same.any():
        return
    place = tuple(int(i) for i in np.argwhere(same)[0]) if same.ndim else ()
    where = f"column {', '.join(map(str, place))}" if place else "it"
    where += f" (`{column.names[place[0]]}`)" if place and column.names else ""
    message = (
        f"`{field.name}`: {where} is {low[place]:g} in every training row, "
        "so it cannot be standardized"
    )
    hint = "leave the column out, or scale the field with `scale`"
    raise RunFailure("E0515", message, hint=hint, place=field.at, exit_code=USAGE)
