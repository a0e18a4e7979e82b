"""The values of a sequence at the step after, for what runs from the last step to the first."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.before import before, one_step


def after(x: Tensor, initial: Tensor | float, dims: int, mask: Tensor | None = None) -> Tensor:
    """x at the step after each: `initial` after the last, and the first step left out.

    x is [..., steps, *event] with `dims` axes in an event; `initial` is an event, or a number.
    Where `mask` [..., steps] is 0 a row has no step, and its last is the one before.
    """
    axis = -1 - dims
    if mask is not None:
        start = one_step(x, initial, dims) if isinstance(initial, Tensor) else initial
        x = torch.where(mask[(..., *(None,) * dims)] > 0, x, torch.as_tensor(start).to(x))
    return before(x.flip(axis), initial, dims).flip(axis)
