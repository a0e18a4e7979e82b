"""Numbers and tensors as tensors of one type."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor


def alike(*values: Tensor | float) -> list[Tensor]:
    """All as tensors of the type and device that they have together; at least one is a tensor."""
    first = next(value for value in values if isinstance(value, Tensor))
    kinds = [torch.result_type(first, value) for value in values]
    kind = reduce(torch.promote_types, kinds)
    return [torch.as_tensor(value, dtype=kind, device=first.device) for value in values]
