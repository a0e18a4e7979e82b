"""The values of a sequence at the step before."""

from __future__ import annotations

import torch
from torch import Tensor


def before(x: Tensor, initial: Tensor | float, dims: int) -> Tensor:
    """x at the step before each: `initial` before the first, and the last step left out.

    x is [..., steps, *event] with `dims` axes in an event; `initial` is an event, whose axes before
    it broadcast to those of x, or a number.
    """
    axis = -1 - dims
    if not isinstance(initial, Tensor):
        first = torch.full_like(x.narrow(axis, 0, 1), initial)
        return torch.cat([first, x.narrow(axis, 0, x.shape[axis] - 1)], axis)
    event, first = x.shape[x.ndim - dims :], one_step(x, initial, dims)
    # It may vary with particles or rows where x does not.
    leads = (v.shape[: v.ndim + axis] for v in (x, first))
    lead = torch.broadcast_shapes(*leads)  # type: ignore[no-untyped-call]
    rest = x.narrow(axis, 0, x.shape[axis] - 1)
    return torch.cat([part.expand(*lead, -1, *event) for part in (first, rest)], axis)


def one_step(x: Tensor, initial: Tensor, dims: int) -> Tensor:
    """`initial` with an axis for one step, [..., 1, *event], of the type of x."""
    missing = dims - initial.ndim  # a number counts for every entry
    initial = initial[(None,) * missing] if missing > 0 else initial
    return initial.to(x.dtype).unsqueeze(-1 - dims)
