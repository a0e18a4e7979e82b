"""Every state of several independent finite variables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def every_state(values: Tensor, shape: Sequence[int]) -> Tensor:
    """All assignments of `values` [n, *event] to an array of `shape`: [n^size, *shape, *event]."""
    size = math.prod(shape)
    index = torch.cartesian_prod(*[torch.arange(len(values), device=values.device)] * size)
    return values[index.view(-1, *shape)]
