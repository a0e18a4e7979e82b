"""Figures that are not finite end a command with a failure, after they have been stored."""

from __future__ import annotations

import math
from collections.abc import Mapping

from specc.runtime.failure import RunFailure


def require_finite(figures: Mapping[str, object]) -> None:
    """Every figure must be a finite number; one that is not is None, or NaN, or infinite.

    Raises RunFailure: E0822, with the names of those that are not.
    """
    wrong = [name for name, value in figures.items() if not _is_finite(value)]
    if not wrong:
        return
    names = ", ".join(f"`{name}`" for name in wrong)
    verb = "figure {} is" if len(wrong) == 1 else "figures {} are"
    hint = "some rows have density 0, or overflow: `specc explain E0822` has what to look at"
    raise RunFailure("E0822", f"the {verb.format(names)} not finite", hint=hint)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
