"""The Gumbel distribution, entry by entry.

    log p(x) = -z - exp(-z) - log scale,  z = (x - loc) / scale

x, loc and scale broadcast; scale > 0. Johnson, Kotz and Balakrishnan (1995), chapter 22.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number

EULER = 0.5772156649015329


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the three broadcast."""
    z = number.tensor(number.minus(value, loc) / scale)
    # z = -inf would give inf - inf in the next line.
    z = z.clamp_min(torch.finfo(z.dtype).min)
    return -z - (-z).exp() - number.log(scale)


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc - scale log e, e standard exponential: differentiable in loc and scale."""
    return loc - scale * noise.exponential(number.full_shape(shape, loc, scale)).log()


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), -e^-z, and log P(X > value), log(1 - e^(-e^-z))."""
    log_p = -number.positive_exp(-number.tensor(number.minus(value, loc) / scale))
    return log_p, number.log1m_exp(log_p)


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q."""
    del log_q
    return loc - scale * (-log_p).log()


def mean(loc: Number, scale: Number) -> Tensor:
    """The mean, loc + gamma scale, gamma = 0.577... Euler's constant."""
    return number.tensor(loc + EULER * scale)


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, log scale + gamma + 1."""
    return number.broadcast(number.log(scale) + (EULER + 1), loc)
