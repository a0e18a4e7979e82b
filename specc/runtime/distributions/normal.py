"""The normal distribution, entry by entry.

    log N(x; loc, scale) = -((x - loc) / scale)^2 / 2 - log scale - log(2 pi) / 2

x, loc and scale are numbers of any shapes that broadcast; scale > 0. Bishop (2006), equation 1.46.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_ndtr import log_ndtr, log_ndtri
from specc.runtime.noise import Noise
from specc.runtime.number import Number

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the three broadcast."""
    z = number.tensor(number.over(number.minus(value, loc), scale))
    if isinstance(scale, Tensor):
        return torch.addcmul(-(scale.log() + HALF_LOG_2PI), z, z, value=-0.5)
    return -0.5 * z * z - (math.log(scale) + HALF_LOG_2PI)


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale eps, eps ~ N(0, 1): differentiable in loc and scale."""
    return loc + scale * noise.normal(number.full_shape(shape, loc, scale))


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of Phi(z) and Phi(-z), z = (x - loc) / scale."""
    z = number.tensor(number.over(number.minus(value, loc), scale))
    return log_ndtr(z), log_ndtr(-z)


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q, from the smaller of the two."""
    z = log_ndtri(torch.minimum(log_p, log_q))
    return loc + scale * torch.where(log_p < log_q, z, -z)


def mean(loc: Number, scale: Number) -> Tensor:
    """The mean, loc, in the shape of the parameters."""
    return number.broadcast(loc, scale)


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, log scale + (1 + log(2 pi)) / 2."""
    return number.broadcast(number.log(scale) + (0.5 + HALF_LOG_2PI), loc)


def kl_normal(loc: Number, scale: Number, other_loc: Number, other_scale: Number) -> Tensor:
    """KL(N(loc, scale) || N(other_loc, other_scale)) = (r^2 + t^2 - 1) / 2 - log r.

    r = scale / other_scale, t = (loc - other_loc) / other_scale; with other_loc 0.0 and
    other_scale 1.0 this is appendix B of Kingma and Welling (2014).
    """
    r = number.over(scale, other_scale)
    t = number.over(number.minus(loc, other_loc), other_scale)
    return number.tensor(0.5 * (r * r + t * t - 1) - number.log(r))
