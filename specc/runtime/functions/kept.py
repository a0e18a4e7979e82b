"""The value that goes on to the next step of a sequence, where a row has this step."""

from __future__ import annotations

import torch
from torch import Tensor


def kept(value: Tensor, last: Tensor, mask: Tensor, dims: int) -> Tensor:
    """`value` [..., *event] where `mask` [...] is 1, and `last` where a row has no such step.

    `last` broadcasts to the shape of `value`, whose event has `dims` axes.
    """
    return torch.where(mask[(..., *(None,) * dims)] > 0, value, last)
