"""Replay buffers: the last rows of a value, which a loss holds as state from step to step.

A buffer of n rows is a tensor [n, *event], the latest row first. `filled` is [n]: 1 where a row has
been put in, and 0 before. A buffer that processes or micro-batches share is divided between them,
so that rows without a value may stand anywhere in the whole.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.noise import Noise


@torch.no_grad()
def buffer(rows: Tensor, held: Tensor) -> Tensor:
    """The rows before those that are held, as many as there were: the oldest ones drop out.

    Args:
        rows: The rows of this step, [B, *event].
        held: The buffer before it, [n, *event].

    """
    return torch.cat((rows.detach().to(held.dtype), held))[: held.shape[0]]


@torch.no_grad()
def choose(noise: Noise, filled: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Which rows are filled after a step of B `rows`, [n], and the numbers of B of these, [B].

    The numbers are independent, and uniform over the rows that are filled.
    """
    after = buffer(filled.new_ones(rows), filled)
    so_far = after.cumsum(0)
    count = so_far[-1]
    number = (noise.uniform((rows,)) * count).long().clamp_max(count - 1)
    return after, torch.searchsorted(so_far, number, right=True)
