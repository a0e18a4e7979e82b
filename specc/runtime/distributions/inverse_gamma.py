"""The inverse gamma distribution, entry by entry: 1 / x is a gamma variable.

    log p(x) = a log rate - (a + 1) log x - rate / x - log Gamma(a),  a = concentration,  x > 0

x, concentration and rate broadcast; both parameters > 0. Gelman et al. (2013), appendix A.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import gamma
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, concentration: Number, rate: Number) -> Tensor:
    """The log-density, -inf where value <= 0 (the density tends to 0 at 0)."""
    inside = value > 0
    x, a = torch.where(inside, value, 1.0), concentration
    constant = a * number.log(rate) - number.lgamma(a)
    return torch.where(inside, constant - (a + 1) * x.log() - rate / x, -torch.inf)


def rsample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw rate / g, g ~ Gamma(a, 1): differentiable in both parameters."""
    size = number.full_shape(shape, concentration, rate)
    return rate * (-noise.log_gamma(concentration, size)).exp()


@torch.no_grad()
def sample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration, rate, shape=shape)


def mean(concentration: Number, rate: Number) -> Tensor:
    """The mean, rate / (a - 1) where a > 1, inf elsewhere."""
    ratio = number.spread(rate, concentration) / (concentration - 1)
    return torch.where(number.spread(concentration, rate) > 1, ratio, torch.inf)


def entropy(concentration: Number, rate: Number) -> Tensor:
    """The entropy, a + log rate + log Gamma(a) - (1 + a) psi(a)."""
    a = concentration
    h = a + number.log(rate) + number.lgamma(a) - (1 + a) * number.digamma(a)
    return number.tensor(h)


def kl_inverse_gamma(
    concentration: Number, rate: Number, other_concentration: Number, other_rate: Number
) -> Tensor:
    """KL between two inverse gammas, which is that between the gammas of 1 / x."""
    return gamma.kl_gamma(concentration, rate, other_concentration, other_rate)
