"""The half-t-distribution, entry by entry: |t|, t Student's around 0.

    log p(x) = log 2 + log t(x; df, 0, scale),  x >= 0

x, df and scale broadcast; df and scale > 0. Gelman (2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import student_t
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.student_distance import distance_quantile, distance_tails


def log_prob(value: Tensor, df: Number, scale: Number) -> Tensor:
    """The log-density, -inf where value < 0."""
    log_p = student_t.log_prob(value, df, 0.0, scale) + math.log(2)
    return torch.where(value >= 0, log_p, -torch.inf)


def rsample(
    noise: Noise, df: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw |t|, never 0: differentiable in df and scale."""
    drawn = student_t.rsample(noise, df, 0.0, scale, shape=shape).abs()
    return drawn.clamp_min(torch.finfo(drawn.dtype).tiny)


@torch.no_grad()
def sample(
    noise: Noise, df: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, df, scale, shape=shape)


def tails(value: Tensor, df: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of |t|."""
    x, n, s = number.reals(value, df, scale)
    within, beyond = distance_tails(x.clamp_min(torch.finfo(x.dtype).tiny), n, s)
    return torch.where(x > 0, within, -torch.inf), torch.where(x > 0, beyond, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, df: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q, never 0."""
    n, s = number.reals(df, scale)
    return s * distance_quantile(log_p, log_q, n)


def entropy(df: Number, scale: Number) -> Tensor:
    """The entropy, that of t less log 2."""
    return number.tensor(student_t.entropy(df, 0.0, scale)) - math.log(2)
