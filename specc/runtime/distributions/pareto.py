"""The Pareto distribution, entry by entry.

    log p(x) = log alpha - log x - alpha log(x / scale),  x >= scale

x, scale and alpha broadcast; both parameters > 0. Johnson, Kotz and Balakrishnan (1994),
chapter 20.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, scale: Number, alpha: Number) -> Tensor:
    """The log-density, -inf where value < scale."""
    given, s, a = number.reals(value, scale, alpha)
    inside = given >= s
    x = torch.where(inside, given, s)
    return torch.where(inside, a.log() - x.log() - a * number.log_ratio(x, s), -torch.inf)


def rsample(
    noise: Noise, scale: Number, alpha: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw scale e^(e / alpha), e standard exponential: differentiable in both; never inf."""
    size = number.full_shape(shape, scale, alpha)
    power = noise.exponential(size) / alpha
    return torch.maximum(
        number.positive_exp(power + number.log(scale)), number.tensors(scale, power)[0]
    )


@torch.no_grad()
def sample(
    noise: Noise, scale: Number, alpha: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, scale, alpha, shape=shape)


def tails(value: Tensor, scale: Number, alpha: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), log(1 - (scale / x)^alpha), and log P(X > value), -alpha log(x / scale).

    Where value <= scale they are -inf and 0.
    """
    given, s, a = number.reals(value, scale, alpha)
    inside = given > s
    log_q = -a * number.log_ratio(torch.where(inside, given, 2 * s), s)
    log_p = torch.where(inside, number.log1m_exp(log_q), -torch.inf)
    return log_p, torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, scale: Number, alpha: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q; never inf."""
    del log_p
    return number.positive_exp(number.log(scale) - log_q / alpha)


def mean(scale: Number, alpha: Number) -> Tensor:
    """The mean, alpha scale / (alpha - 1) where alpha > 1; inf elsewhere."""
    s, a = number.reals(scale, alpha)
    finite = a > 1
    excess = torch.where(finite, a - 1, 1.0)
    return torch.where(finite, s * (1 + excess.reciprocal()), torch.inf)


def entropy(scale: Number, alpha: Number) -> Tensor:
    """The entropy, log scale - log alpha + 1 + 1 / alpha."""
    s, a = number.reals(scale, alpha)
    return s.log() - a.log() + 1 + a.reciprocal()
