"""The transformation of the numbers of a field, one by one: scale, base, clip, log and logit.

    d = raw * factor                        the units of the data
    c = min(max(d - base, low), high)
    v = c,   log c,   or   logit(a + (1 - 2 a) c)

`standardize` and `binarize` follow. The functions take arrays of numpy, without torch, or tensors:
`xp` is the module with `log` and `clip`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specc.data.table import Array, Column
from specc.runtime.fields import Field


def factor_of(field: Field, column: Column) -> float:
    """The factor of raw values, of the source and of the field."""
    return column.factor * (1.0 if field.scale is None else field.scale)


def is_scaled_alone(field: Field) -> bool:
    """Whether the numbers are those of the source, times a factor."""
    return not (field.base or field.clip or field.log or field.logit is not None)


def clipped(field: Field, values: Any, xp: Any = np) -> Any:  # noqa: ANN401 - arrays or tensors
    """The numbers minus the base, and within the bounds of `clip`."""
    values = values - field.base if field.base else values
    return values if field.clip is None else xp.clip(values, *field.clip)


def transformed(field: Field, values: Any, xp: Any = np) -> Any:  # noqa: ANN401 - as above
    """The numbers of the model, before they are standardized, from those in units of the data."""
    values = clipped(field, values, xp)
    if field.log:
        return xp.log(values)
    if field.logit is None:
        return values
    inside = field.logit + (1.0 - 2.0 * field.logit) * values
    return xp.log(inside) - xp.log(1.0 - inside)


def values_of(field: Field, column: Column, raw: Array) -> Array:
    """The numbers of the model, before they are standardized, from some raw rows, in float64.

    An entry without a value, which the mask of the column states, may be infinite.
    """
    values = raw.astype(np.float64) * factor_of(field, column)
    if is_scaled_alone(field):
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = transformed(field, values)
    return found


def domain(field: Field) -> tuple[float, float, bool] | None:
    """The bounds of the numbers that `log` or `logit` takes, and whether they are excluded."""
    if field.log:
        return 0.0, math.inf, True
    return None if field.logit is None else (0.0, 1.0, field.logit == 0.0)
