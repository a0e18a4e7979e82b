"""Numbers and tensors as tensors of one type."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor


def alike(*values: Tensor | float) -> list[Tensor]:
    """All as tensors of the type and device that they have together; at least one is a tensor."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    kind = reduce(torch.promote_types, [tensor.dtype for tensor in tensors])
    if not kind.is_floating_point and any(isinstance(value, float) for value in values):
        kind = torch.get_default_dtype()
    device = tensors[0].device
    return [
        value.to(kind)
        if isinstance(value, Tensor)
        else torch.tensor(value, dtype=kind, device=device)
        for value in values
    ]
