"""Class numbers as vectors with a single 1."""

from __future__ import annotations

import torch
from torch import Tensor


def one_hot(value: Tensor, classes: int) -> Tensor:
    """The vectors [..., classes] with a 1 at position `value` and zeros elsewhere."""
    every = torch.arange(classes, device=value.device)
    return (value.unsqueeze(-1) == every).to(torch.get_default_dtype())
