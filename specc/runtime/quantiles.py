"""Quantiles of distributions whose distribution function has no closed inverse.

`tails` gives log P(X <= x) and log P(X > x). Both logarithms of a probability are given, and the
smaller is used, which is precise in both tails. Quantiles have no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Tails = Callable[[Tensor], tuple[Tensor, Tensor]]

NEWTONS = 40
"""The largest number of Newton's steps; most quantiles need less than 8."""


@torch.no_grad()
def real_quantile(
    tails: Tails,
    log_density: Callable[[Tensor], Tensor],
    log_p: Tensor,
    log_q: Tensor,
    start: Tensor,
) -> Tensor:
    """The y with log P(Y <= y) = log_p and log P(Y > y) = log_q, of a log-concave density.

    The logarithms of the two tails are concave, too, so that Newton's steps approach the quantile
    from one side: from below in the lower tail, from above in the upper one. The arguments are of
    float64, in which the steps are taken.
    """
    far = -math.log(torch.finfo(log_p.dtype).tiny)
    is_low, y = log_p < log_q, start.clamp(-far, far).expand(log_p.shape)
    for _ in range(NEWTONS):
        under, over = tails(y)
        found = torch.where(is_low, under, over)
        step = torch.where(is_low, log_p - under, over - log_q) / (log_density(y) - found).exp()
        new = torch.where(step.isfinite(), y + step, y).clamp(-far, far)
        done = (new - y).abs() <= torch.finfo(y.dtype).eps * (1 + y.abs())
        y = new
        if not torch.compiler.is_compiling() and bool(done.all()):
            break
    return y


@torch.no_grad()
def count_quantile(tails: Tails, log_p: Tensor, log_q: Tensor) -> Tensor:
    """The least count k with log P(X <= k) >= log_p, or log P(X > k) <= log_q, bit by bit.

    In float32 it is below 2^24, whose greater numbers are not all integers.
    """
    is_low = log_p < log_q

    def is_enough(count: Tensor) -> Tensor:
        under, over = tails(count)
        return torch.where(is_low, under >= log_p, over <= log_q)

    bits, most = 0, 24 if torch.finfo(log_p.dtype).bits <= 32 else 48
    while bits < most and not bool(is_enough(log_p.new_tensor(2.0**bits - 1)).all()):
        bits += 1
    below = torch.full_like(log_p, -1.0)  # a count that is not enough
    for bit in reversed(range(bits)):
        count = below + 2.0**bit
        below = torch.where(is_enough(count), below, count)
    return below + 1
