"""Where data has values."""

from __future__ import annotations

import torch
from torch import Tensor


def known(value: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """1 where an entry of `value` is there and 0 where it is not, as `mask` says, as real numbers.

    The mask has the axes of the value, or the first of them; without one everything is there.
    """
    dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
    if mask is None:
        return torch.ones_like(value, dtype=dtype)
    return mask.to(dtype)[(..., *(None,) * (value.ndim - mask.ndim))].expand_as(value)
