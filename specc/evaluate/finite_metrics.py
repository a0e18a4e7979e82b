"""The check that metrics are finite, which commands make after they store them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from specc.runtime.failure import RunFailure


def require_finite(metrics: Mapping[str, object]) -> None:
    """Checks that every metric is a finite number, and not None, NaN or infinite.

    Raises RunFailure: E0822, with the names of those that are not.
    """
    wrong = [name for name, value in metrics.items() if not _is_finite(value)]
    if not wrong:
        return
    names = ", ".join(f"`{name}`" for name in wrong)
    verb = "metric {} is" if len(wrong) == 1 else "metrics {} are"
    hint = "some rows have density 0, or overflow: `specc explain E0822` gives remedies"
    raise RunFailure("E0822", f"the {verb.format(names)} not finite", hint=hint)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
