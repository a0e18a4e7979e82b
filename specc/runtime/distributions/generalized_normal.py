"""The generalized normal distribution, entry by entry.

    log p(x) = -|z|^b - log(2 scale) - log Gamma(1 + 1 / b),  z = (x - loc) / scale,  b = power

x, loc, scale and power broadcast; scale and power > 0. Nadarajah (2005), equation 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_gamma import log_gamma_quantile, log_gammainc
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, scale: Number, power: Number) -> Tensor:
    """The log-density, in the shape of the four broadcast."""
    x, center, s, b = number.reals(value, loc, scale, power)
    distance = (x - center).abs()
    apart = distance > 0
    log_z = number.log_ratio(torch.where(apart, distance, s), s)
    return -torch.where(apart, (b * log_z).exp(), 0.0) - _log_width(s, b)


def rsample(
    noise: Noise,
    loc: Number,
    scale: Number,
    power: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Draw loc + scale r g^(1 / b), g ~ Gamma(1 / b, 1), r = 1 or -1 with equal probability.

    Differentiable in all three parameters.
    """
    size = number.full_shape(shape, loc, scale, power)
    inverse = 1 / power
    log_g = noise.log_gamma(inverse, size)
    distance = number.positive_exp(log_g * inverse, room=1e3)
    drawn = loc + scale * torch.where(noise.uniform(size) < 0.5, -distance, distance)
    largest = torch.finfo(drawn.dtype).max
    return drawn.clamp(-largest, largest)


@torch.no_grad()
def sample(
    noise: Noise,
    loc: Number,
    scale: Number,
    power: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, power, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number, power: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value): half of Q(1 / b, |z|^b) is beyond z."""
    x, center, s, b = number.reals(value, loc, scale, power)
    distance = (x - center).abs()
    apart = distance > 0
    size = number.positive_exp(b * number.log_ratio(torch.where(apart, distance, s), s))
    far = torch.where(apart, log_gammainc(b.reciprocal(), size)[1], 0.0) - math.log(2)
    near = number.log1m_exp(far)
    return torch.where(x < center, far, near), torch.where(x < center, near, far)


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number, power: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q."""
    center, s, b = number.reals(loc, scale, power)
    beyond = (torch.minimum(log_p, log_q) + math.log(2)).clamp_max(-torch.finfo(log_p.dtype).tiny)
    log_size = log_gamma_quantile(number.log1m_exp(beyond), beyond, b.reciprocal())
    distance = s * number.positive_exp(log_size / b, room=1e3)
    return center + torch.where(log_p < log_q, -distance, distance)


def mean(loc: Number, scale: Number, power: Number) -> Tensor:
    """The mean, loc, in the shape of the parameters."""
    return number.broadcast(loc, scale, power)


def entropy(loc: Number, scale: Number, power: Number) -> Tensor:
    """The entropy, 1 / b + log(2 scale) + log Gamma(1 + 1 / b)."""
    _, s, b = number.reals(loc, scale, power)
    return number.broadcast(b.reciprocal() + _log_width(s, b), loc)


def _log_width(s: Tensor, b: Tensor) -> Tensor:
    """The logarithm of 2 scale Gamma(1 + 1 / b), the integral of e^(-|z|^b)."""
    return s.log() + math.log(2) + (1 + b.reciprocal()).lgamma()
