"""Whole numbers as real ones."""

from __future__ import annotations

import torch
from torch import Tensor


def real(value: Tensor) -> Tensor:
    """The tensor itself, or, of whole numbers or truth values, the same in the default type."""
    return value if value.is_floating_point() else value.to(torch.get_default_dtype())
