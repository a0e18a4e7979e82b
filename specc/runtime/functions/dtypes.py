"""Conversions between the types of tensors."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor


def promote_dtypes(*values: Tensor | float) -> list[Tensor]:
    """The values as tensors of the dtype to which all promote; at least one must be a tensor."""
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


def to_float(value: Tensor) -> Tensor:
    """The value, with integers and booleans converted to torch's default floating-point dtype."""
    return value if value.is_floating_point() else value.to(torch.get_default_dtype())
