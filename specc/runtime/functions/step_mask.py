"""Which steps of a sequence each row has."""

from __future__ import annotations

import torch
from torch import Tensor


def step_mask(lengths: Tensor, steps: int) -> Tensor:
    """1 for the first `lengths` of the steps and 0 for the rest: [..., steps] from [...]."""
    every = torch.arange(steps, device=lengths.device)
    return (every < lengths.unsqueeze(-1)).to(torch.get_default_dtype())
