"""What a loop over the steps of a sequence has made, each value with an axis of steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def stack_steps(steps: Sequence[tuple[Tensor, ...]], dims: Sequence[int]) -> tuple[Tensor, ...]:
    """The values of all steps, [..., steps, *event]; `dims` says how many axes each event has."""
    values = zip(*steps, strict=True)
    return tuple(torch.stack(v, -1 - rank) for v, rank in zip(values, dims, strict=True))
