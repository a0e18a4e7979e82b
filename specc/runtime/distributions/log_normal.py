"""The log-normal distribution: log x is normal.

    log p(x) = log N(log x; loc, scale) - log x,  x > 0

x, loc and scale broadcast; scale > 0. Johnson, Kotz and Balakrishnan (1994), chapter 14.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import normal
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, -inf where value <= 0 (the density tends to 0 at 0)."""
    inside = value > 0
    log_x = torch.where(inside, value, 1.0).log()
    return torch.where(inside, normal.log_prob(log_x, loc, scale) - log_x, -torch.inf)


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw exp(loc + scale eps), eps ~ N(0, 1): differentiable in loc and scale; never 0 or inf."""
    return number.positive_exp(normal.rsample(noise, loc, scale, shape=shape))


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value); -inf and 0 where value <= 0."""
    inside = value > 0
    log_p, log_q = normal.tails(torch.where(inside, value, 1.0).log(), loc, scale)
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q; never 0 or inf."""
    return number.positive_exp(normal.quantile(log_p, log_q, loc, scale))


def mean(loc: Number, scale: Number) -> Tensor:
    """The mean, exp(loc + scale^2 / 2)."""
    return number.tensor(loc + 0.5 * scale * scale).exp()


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, loc + log scale + (1 + log(2 pi)) / 2."""
    return normal.entropy(loc, scale) + loc


def kl_log_normal(loc: Number, scale: Number, other_loc: Number, other_scale: Number) -> Tensor:
    """KL between two log-normals: that of the normals of the logarithms (exp is a bijection)."""
    return normal.kl_normal(loc, scale, other_loc, other_scale)
