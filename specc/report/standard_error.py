"""Text of values with their standard errors, which a single row and dependent rows do not have."""

from __future__ import annotations

import math

NONE = "no error: one row, or dependent rows"
"""The text in place of a standard error, for a single row and for rows that depend on others."""


def with_error(value: object, error: object, unit: str = "") -> str:
    """`-22.752 +- 0.190 nats`, or `-22.752 nats, no error: one row, or dependent rows`.

    A value that is None or not finite becomes `not finite`; an error may be None or nan.
    """
    alone, shown = without_error(value, unit), error_of(error)
    if alone == NOT_FINITE:
        return alone
    if shown is None:
        return f"{alone}, {NONE}"
    return f"{value:.3f} +- {shown}{f' {unit}' if unit else ''}"


NOT_FINITE = "not finite"


def without_error(value: object, unit: str = "") -> str:
    """`-22.752 nats`, or `not finite`."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return NOT_FINITE
    return f"{value:.3f}{f' {unit}' if unit else ''}"


def error_of(error: object, digits: int = 3) -> str | None:
    """The text of a standard error; None if there is none."""
    if not isinstance(error, (int, float)) or math.isnan(error):
        return None
    return f"{error:.{digits}f}"


def own_units(scale: float) -> str:
    """The difference of a log-density in the units of the data: `3.217 lower in ...`."""
    return f"{abs(scale):.3f} {'lower' if scale >= 0 else 'higher'} in the units of the data"
