"""Where data has values."""

from __future__ import annotations

import torch
from torch import Tensor


def known(value: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """1 where an entry of `value` is there and 0 where it is not, as `mask` says, as real numbers.

    The mask is of the value's shape; without one everything is there.
    """
    dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
    return torch.ones_like(value, dtype=dtype) if mask is None else mask.to(dtype)
