"""Roots of increasing functions to machine precision, with a fixed number of steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from specc.runtime.solver_failures import solution_or_nan

HALVINGS, NEWTONS = 24, 6
"""Bisection reduces the interval to 2^-24; each Newton step after it squares the error."""


@torch.no_grad()
def root(function: Callable[[Tensor], tuple[Tensor, Tensor]], low: Tensor, high: Tensor) -> Tensor:
    """The root of an increasing function between `low` and `high`, entry by entry.

    `function` returns value and slope. The result has no gradient; an additional Newton step of the
    caller, a - value / slope, has the gradient of the implicit function theorem. The result is NaN
    if the last step is larger than half of the digits, as for an interval of 10^7 or more.
    """
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = function(middle)[0] > 0
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    a = (low + high) / 2
    for _ in range(NEWTONS):
        value, slope = function(a)
        a = torch.minimum(torch.maximum(a - value / slope, low), high)
    value, slope = function(a)
    allowed = torch.finfo(a.dtype).eps ** 0.5 * (1 + a.abs()) * slope
    return solution_or_nan(
        value.abs() <= allowed,
        a,
        value.isfinite() & slope.isfinite(),
        f"the root of an equation was not found in {HALVINGS + NEWTONS} steps",
    )
