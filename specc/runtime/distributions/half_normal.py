"""The half-normal distribution, entry by entry: |eps|, eps ~ N(0, scale).

    log p(x) = log 2 + log N(x; 0, scale),  x >= 0

x and scale broadcast; scale > 0. Johnson, Kotz and Balakrishnan (1994), chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import normal
from specc.runtime.log_ndtr import log_ndtr, log_ndtri
from specc.runtime.noise import Noise
from specc.runtime.number import Number

LOG_2 = math.log(2)


def log_prob(value: Tensor, scale: Number) -> Tensor:
    """The log-density, -inf where value < 0."""
    log_p = normal.log_prob(value, 0.0, scale) + math.log(2)
    return torch.where(value >= 0, log_p, -torch.inf)


def rsample(noise: Noise, scale: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw scale |eps|, eps ~ N(0, 1), never 0: differentiable in scale."""
    eps = noise.normal(number.full_shape(shape, scale)).abs()
    return scale * eps.clamp_min(torch.finfo(eps.dtype).tiny)


@torch.no_grad()
def sample(noise: Noise, scale: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, scale, shape=shape)


def tails(value: Tensor, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), log erf(z / sqrt(2)), and log P(X > value).

    Where value <= 0 they are -inf and 0.
    """
    x, s = number.reals(value, scale)
    inside = x > 0
    z = torch.where(inside, x, s) / s
    near = z < 1
    close = torch.erf(torch.where(near, z, 1.0) * math.sqrt(0.5))
    far = LOG_2 + log_ndtr(-torch.where(near, 1.0, z))
    log_p = torch.where(near, close.log(), number.log1m_exp(far))
    log_q = torch.where(near, (-close).log1p(), far)
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q.

    It is that of a normal distribution with half of the tail; near 0, where the tail is 1 up to
    rounding, p sqrt(pi / 2).
    """
    small = log_p < -10
    z = -log_ndtri(torch.where(small, -1.0, log_q) - LOG_2)
    return scale * torch.where(small, log_p.exp() * math.sqrt(0.5 * math.pi), z)


def mean(scale: Number) -> Tensor:
    """The mean, scale sqrt(2 / pi)."""
    return number.tensor(scale * math.sqrt(2 / math.pi))


def entropy(scale: Number) -> Tensor:
    """The entropy, log scale + (1 + log(pi / 2)) / 2."""
    return number.tensor(number.log(scale) + 0.5 * (1 + math.log(math.pi / 2)))


def kl_half_normal(scale: Number, other_scale: Number) -> Tensor:
    """KL between two half-normals, which is that between the normals of mean 0."""
    return normal.kl_normal(0.0, scale, 0.0, other_scale)
