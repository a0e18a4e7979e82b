"""Figures in words with the standard error of their mean, which one row does not have."""

from __future__ import annotations

import math

NONE = "no error: one row"
"""What stands in the place of an error where there is a single value."""


def with_error(value: object, error: object, unit: str = "") -> str:
    """`-22.752 +- 0.190 nats`, or `-22.752 nats, no error: one row`.

    A value that is None or not finite is `not finite`; an error that is None or nan is none.
    """
    unit = f" {unit}" if unit else ""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "not finite"
    shown = error_of(error)
    return f"{value:.3f}{unit}, {NONE}" if shown is None else f"{value:.3f} +- {shown}{unit}"


def error_of(error: object, digits: int = 3) -> str | None:
    """The digits of an error; None where there is none."""
    if not isinstance(error, (int, float)) or math.isnan(error):
        return None
    return f"{error:.{digits}f}"


def own_units(scale: float) -> str:
    """How much lower the density of standardized data is in their own units: `3.217 lower`."""
    return f"{abs(scale):.3f} {'lower' if scale >= 0 else 'higher'} in the units of the data"
