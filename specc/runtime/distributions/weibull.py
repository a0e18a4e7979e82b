"""The Weibull distribution, entry by entry.

    log p(x) = log k - log x + z - e^z,  z = k (log x - log scale),  k = concentration,  x > 0

x, scale and concentration broadcast; both parameters > 0. Johnson, Kotz and Balakrishnan (1994),
chapter 21.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number

EULER = 0.5772156649015329


def log_prob(value: Tensor, scale: Number, concentration: Number) -> Tensor:
    """The log-density, -inf where value < 0; at 0 its limit.

    The limit is inf for k < 1, -log scale for k = 1 and -inf for k > 1.
    """
    given, s, k = number.reals(value, scale, concentration)
    positive = given > 0
    x = torch.where(positive, given, 1.0)
    z = k * number.log_ratio(x, s)
    inside = k.log() - x.log() + z - z.exp()
    shape = k.detach()
    at_zero = torch.where(shape == 1, -s.log(), (1 - shape) * torch.inf)
    return torch.where(positive, inside, torch.where(given == 0, at_zero, -torch.inf))


def rsample(
    noise: Noise, scale: Number, concentration: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw scale e^(1 / k), e standard exponential: differentiable in both; never 0 or inf."""
    size = number.full_shape(shape, scale, concentration)
    power = noise.exponential(size).log() / concentration
    return number.positive_exp(power + number.log(scale))


@torch.no_grad()
def sample(
    noise: Noise, scale: Number, concentration: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, scale, concentration, shape=shape)


def tails(value: Tensor, scale: Number, concentration: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), log(1 - e^-h), and log P(X > value), -h.

    h = (x / scale)^k is the cumulative hazard. Where value <= 0 they are -inf and 0.
    """
    given, s, k = number.reals(value, scale, concentration)
    inside = given > 0
    hazard = (k * number.log_ratio(torch.where(inside, given, s), s)).exp()
    log_p = torch.where(inside, number.log1m_exp(-hazard), -torch.inf)
    return log_p, torch.where(inside, -hazard, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, scale: Number, concentration: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q; never 0 or inf."""
    del log_p
    return number.positive_exp((-log_q).log() / concentration + number.log(scale))


def mean(scale: Number, concentration: Number) -> Tensor:
    """The mean, scale Gamma(1 + 1 / k)."""
    s, k = number.reals(scale, concentration)
    return s * (1 + k.reciprocal()).lgamma().exp()


def entropy(scale: Number, concentration: Number) -> Tensor:
    """The entropy, log scale - log k + 1 + gamma (1 - 1 / k), gamma = 0.577... Euler's constant."""
    s, k = number.reals(scale, concentration)
    return s.log() - k.log() + (1 + EULER) - EULER / k
