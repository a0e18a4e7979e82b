"""Replay buffers: the last rows of a value, which are part of the state of a loss.

A buffer of n rows is a tensor [n, *event], with the latest row first. The mask `filled` [n] is 1
for rows that have a value. A buffer may be sharded over micro-batches or processes, so rows without
a value may be anywhere in the gathered buffer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.noise import Noise


@torch.no_grad()
def buffer(rows: Tensor, held: Tensor) -> Tensor:
    """The buffer after a step, [n, *event]: the new rows, then the buffer without its oldest rows.

    Args:
        rows: The rows of this step, [B, *event].
        held: The buffer before the step, [n, *event].

    """
    return torch.cat((rows.detach().to(held.dtype), held))[: held.shape[0]]


@torch.no_grad()
def choose(noise: Noise, filled: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """The mask of filled rows after a step of B `rows`, [n], and the indices of B of them, [B].

    The indices are independent and uniform over the filled rows.
    """
    after = buffer(filled.new_ones(rows), filled)
    so_far = after.cumsum(0)
    count = so_far[-1]
    number = (noise.uniform((rows,)) * count).long().clamp_max(count - 1)
    return after, torch.searchsorted(so_far, number, right=True)
