"""The exponential distribution, entry by entry.

    log p(x) = log rate - rate x,  x >= 0

x and rate broadcast; rate > 0. Johnson, Kotz and Balakrishnan (1994), chapter 19.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import deviance
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, rate: Number) -> Tensor:
    """The log-density, -inf where value < 0."""
    return torch.where(value >= 0, number.log(rate) - rate * value, -torch.inf)


def rsample(noise: Noise, rate: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw e / rate, e standard exponential: differentiable in rate."""
    return number.tensor(number.over(noise.exponential(number.full_shape(shape, rate)), rate))


@torch.no_grad()
def sample(noise: Noise, rate: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, rate, shape=shape)


def tails(value: Tensor, rate: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), log(1 - e^(-rate x)), and log P(X > value), -rate x.

    Where value <= 0 they are -inf and 0.
    """
    inside = value > 0
    log_p = number.log1m_exp(number.tensor(-rate * torch.where(inside, value, 1.0)))
    return torch.where(inside, log_p, -torch.inf), -rate * value.clamp_min(0.0)


def quantile(log_p: Tensor, log_q: Tensor, rate: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q."""
    del log_p
    return -log_q / rate


def mean(rate: Number) -> Tensor:
    """The mean, 1 / rate."""
    return number.tensor(1 / rate)


def entropy(rate: Number) -> Tensor:
    """The entropy, 1 - log rate."""
    return number.tensor(1 - number.log(rate))


def kl_exponential(rate: Number, other_rate: Number) -> Tensor:
    """KL(p || q) = r - 1 - log r, r = other_rate / rate."""
    a, b = number.reals(rate, other_rate)
    return deviance(a, b) / a
