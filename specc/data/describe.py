"""Summaries of a part of the data by field: rows, shape, type, range, missing values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from specc.data.columns import steps_before
from specc.data.elementwise import factor_of
from specc.data.missing import shown
from specc.data.table import Array, Column, Part
from specc.runtime.fields import Data, Field


@dataclass(frozen=True, slots=True)
class Summary:
    """A field in one part.

    `low` to `high` is the range of the values with the factors of the source and of the field, but
    before they are binarized or standardized; `missing` is the fraction of missing values; `kind`
    is the dtype in the file, `dtype` that in a batch.
    """

    rows: int
    shape: tuple[int, ...]
    kind: str
    dtype: str
    low: float | None
    high: float | None
    mean: float | None
    missing: float


def described(parts: Mapping[str, Part], data: Data) -> dict[str, dict[str, Summary]]:
    """The summaries by part and field."""
    return {
        name: {field: summary(data.fields[field], column) for field, column in part.items()}
        for name, part in parts.items()
    }


def summary(field: Field, column: Column) -> Summary:
    """The summary of a column, computed in chunks of rows, without padding."""
    low, high, total, count, missing = math.inf, -math.inf, 0.0, 0, 0
    for start, part in column.chunks():
        if part.dtype.kind not in "biuf":
            break
        values = own_values(column, start, part)
        there = np.isfinite(values) if values.dtype.kind == "f" else np.True_
        if column.known is not None:
            own = shown(column)
            assert own is not None
            there = own_values(column, start, own[start : start + len(part)])
        missing += 0 if there is np.True_ else int(values.size - there.sum())
        found = values if there is np.True_ else values[there]
        count += found.size
        if found.size:
            low, high = min(low, float(found.min())), max(high, float(found.max()))
            total += float(found.sum(dtype=np.float64))
    factor = factor_of(field, column)
    return Summary(
        rows=len(column),
        shape=column.shape,
        kind=str(column.raw.dtype),
        dtype=field.dtype,
        low=low * factor if count else None,
        high=high * factor if count else None,
        mean=total / count * factor if count else None,
        missing=missing / max(1, missing + count),
    )


def own_values(column: Column, start: int, part: Array) -> Array:
    """The values of the rows from `start`, flat, without padding."""
    if column.lengths is None:
        return part.reshape(-1)
    inside = steps_before(column.lengths[start : start + len(part)], part.shape[1])
    return part[inside].reshape(-1)
