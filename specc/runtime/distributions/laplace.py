"""The Laplace distribution, entry by entry.

    log p(x) = -|x - loc| / scale - log(2 scale)

x, loc and scale broadcast; scale > 0. Johnson, Kotz and Balakrishnan (1995), chapter 24.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number

LOG_2 = math.log(2)


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the three broadcast; its slope at loc is defined as 0."""
    z = number.over(number.distance(value, loc), scale)
    return number.tensor(-z - number.log(2 * scale))


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale (e1 - e2), e1 and e2 standard exponential.

    Differentiable in loc and scale. Both tails are equally precise; the inverse CDF of a uniform
    float32 number would not exceed 16 scales.
    """
    size = number.full_shape(shape, loc, scale)
    return loc + scale * (noise.exponential(size) - noise.exponential(size))


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value)."""
    z = number.tensor(number.over(number.minus(value, loc), scale))
    return _tail(-z), _tail(z)


def _tail(z: Tensor) -> Tensor:
    """log P(Z > z) of the standard distribution: e^-z / 2 above 0, 1 - e^z / 2 below."""
    above = z > 0
    below = (-0.5 * torch.where(above, 0.0, z).exp()).log1p()
    return torch.where(above, -LOG_2 - z, below)


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q, from the smaller of the two."""
    z = LOG_2 + torch.minimum(log_p, log_q)
    return loc + scale * torch.where(log_p < log_q, z, -z)


def mean(loc: Number, scale: Number) -> Tensor:
    """The mean, loc, in the shape of the parameters."""
    return number.broadcast(loc, scale)


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, 1 + log(2 scale)."""
    return number.broadcast(1 + number.log(2 * scale), loc)


def kl_laplace(loc: Number, scale: Number, other_loc: Number, other_scale: Number) -> Tensor:
    """KL(p || q) = d + r exp(-d / r) - log r - 1, d = |loc - other_loc| / other_scale.

    r = scale / other_scale. Gil, Alajaji and Linder (2013), table 2.
    """
    r = number.over(scale, other_scale)
    d = number.over(number.distance(loc, other_loc), other_scale)
    return number.tensor(d + r * number.exp(-d / r) - number.log(r) - 1)
