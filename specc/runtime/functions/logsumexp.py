"""The log of a sum of exponentials over an event, without overflow."""

from __future__ import annotations

import torch
from torch import Tensor


def logsumexp(value: Tensor, *, dims: int) -> Tensor:
    """Log sum exp over the last `dims` axes; -inf of a row of -inf, with the gradient 0."""
    if not dims:
        return value
    row = value.flatten(-dims)
    possible = (row > -torch.inf).any(-1)
    total = torch.where(possible.unsqueeze(-1), row, 0.0).logsumexp(-1)
    return torch.where(possible, total, -torch.inf)
