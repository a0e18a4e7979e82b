"""The values of a sequence at the step before."""

from __future__ import annotations

import torch
from torch import Tensor


def before(x: Tensor, initial: Tensor | float, dims: int) -> Tensor:
    """x at the step before each: `initial` before the first, and the last step left out.

    x is [..., steps, *event] with `dims` axes in an event; `initial` is an event, or a number.
    """
    first = _first(x, initial, dims)
    axis = -1 - dims
    return torch.cat([first, x.narrow(axis, 0, x.shape[axis] - 1)], axis)


def _first(x: Tensor, initial: Tensor | float, dims: int) -> Tensor:
    """The initial value in the shape of one step of x."""
    step = x.narrow(-1 - dims, 0, 1)
    if isinstance(initial, Tensor):
        return initial.to(x.dtype).unsqueeze(-1 - dims).expand_as(step)
    return torch.full_like(step, initial)
