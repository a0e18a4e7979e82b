"""The Cauchy distribution, entry by entry.

    log p(x) = -log(pi scale) - log(1 + ((x - loc) / scale)^2)

x, loc and scale broadcast; scale > 0. There is no mean. Johnson, Kotz and Balakrishnan (1994),
chapter 16.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the three broadcast."""
    tail = number.log1p_square(number.minus(value, loc), scale)
    return number.tensor(-tail - number.log(math.pi * scale))


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale tan(pi (u - 1 / 2)), u uniform: differentiable in loc and scale."""
    u = noise.uniform(number.full_shape(shape, loc, scale))
    return loc + scale * (math.pi * (u - 0.5)).tan()


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value)."""
    distance, s = number.reals(number.minus(value, loc), scale)
    return _tail(-distance, s), _tail(distance, s)


def _tail(distance: Tensor, scale: Tensor) -> Tensor:
    """log P(X - loc > distance): the angle of (distance, scale) as a share of pi.

    Below the location it is the logarithm of 1 minus the other tail.
    """
    above = distance > 0
    share = torch.atan2(scale, torch.where(above, distance, -distance)) / math.pi
    return torch.where(above, share.log(), (-share).log1p())


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q, from the smaller of the two."""
    angle = math.pi * torch.minimum(log_p, log_q).exp()
    z = angle.cos() / angle.sin().clamp_min(torch.finfo(angle.dtype).tiny)
    return loc + scale * torch.where(log_p < log_q, -z, z)


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, log(4 pi scale)."""
    return number.broadcast(number.log(4 * math.pi * scale), loc)


def kl_cauchy(loc: Number, scale: Number, other_loc: Number, other_scale: Number) -> Tensor:
    """KL(p || q) = log(((scale + other_scale)^2 + (loc - other_loc)^2) / (4 scale other_scale)).

    Chyzak and Nielsen (2019), theorem 1: with w = 2 sqrt(scale other_scale), d = loc - other_loc,
    log(1 + (d / w)^2) + log(1 + (scale - other_scale)^2 / (w^2 + d^2)).
    """
    p, s, q, t = number.reals(loc, scale, other_loc, other_scale)
    width = 2 * s.sqrt() * t.sqrt()
    shifted = number.log1p_square(p - q, width)
    return number.tensor(shifted + number.log1p_square(s - t, torch.hypot(width, p - q)))
