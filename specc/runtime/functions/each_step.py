"""One value for all steps of a sequence."""

from __future__ import annotations

from torch import Tensor


def each_step(x: Tensor, steps: int, dims: int) -> Tensor:
    """The same value at each step: [..., steps, *event].

    x is [*event] with `dims` axes in an event, or [..., 1, *event].
    """
    axis = -1 - dims
    x = x.unsqueeze(axis) if x.ndim == dims else x
    return x.expand((*x.shape[:axis], steps, *x.shape[x.ndim - dims :]))
