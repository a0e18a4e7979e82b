"""What a loop over the steps of a sequence has made, each value with an axis of steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def stack_steps(steps: Sequence[tuple[Tensor, ...]], dims: Sequence[int]) -> tuple[Tensor, ...]:
    """The values of all steps, [..., steps, *event]; `dims` says how many axes each event has.

    What one step makes of the one before may have more axes than at the first: they broadcast.
    """
    values = map(_alike, zip(*steps, strict=True))
    return tuple(torch.stack(v, -1 - rank) for v, rank in zip(values, dims, strict=True))


def _alike(values: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The values in one shape, if they are not already."""
    if all(value.shape == values[0].shape for value in values):
        return values
    return tuple(torch.broadcast_tensors(*values))  # type: ignore[no-untyped-call]
