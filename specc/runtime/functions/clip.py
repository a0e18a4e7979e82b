"""A value kept between two others."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.alike import alike


def clip(value: Tensor | float, low: Tensor | float, high: Tensor | float) -> Tensor:
    """min(max(value, low), high), entry by entry; a tensor or a number for each."""
    if isinstance(value, Tensor) and not isinstance(low, Tensor) and not isinstance(high, Tensor):
        return value.clamp(low, high)
    x, bottom, top = alike(value, low, high)
    return torch.minimum(torch.maximum(x, bottom), top)
