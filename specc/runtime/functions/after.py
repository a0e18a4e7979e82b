"""The values of a sequence at the step after, for what runs from the last step to the first."""

from __future__ import annotations

from torch import Tensor

from specc.runtime.functions.before import before


def after(x: Tensor, initial: Tensor | float, dims: int) -> Tensor:
    """x at the step after each: `initial` after the last, and the first step left out.

    x is [..., steps, *event] with `dims` axes in an event; `initial` is an event, or a number.
    """
    axis = -1 - dims
    return before(x.flip(axis), initial, dims).flip(axis)
