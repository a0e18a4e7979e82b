"""The gamma distribution, entry by entry.

    log p(x) = a log rate + (a - 1) log x - rate x - log Gamma(a),  a = concentration,  x > 0

x, concentration and rate broadcast; both parameters > 0. Bishop (2006), equation 2.146.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, concentration: Number, rate: Number) -> Tensor:
    """The log-density, -inf where value < 0; at 0 the limit, inf, log rate or -inf by a."""
    a = concentration
    constant = a * number.log(rate) - number.lgamma(a)
    return number.log_power(value, a - 1) - rate * value + constant


def rsample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw g / rate, g ~ Gamma(a, 1): differentiable in both parameters (Figurnov et al. 2018)."""
    size = number.full_shape(shape, concentration, rate)
    return number.tensor(number.over(noise.gamma(concentration, size), rate))


@torch.no_grad()
def sample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration, rate, shape=shape)


def mean(concentration: Number, rate: Number) -> Tensor:
    """The mean, a / rate."""
    return number.tensor(concentration / rate)


def entropy(concentration: Number, rate: Number) -> Tensor:
    """The entropy, a - log rate + log Gamma(a) + (1 - a) psi(a)."""
    a = concentration
    h = a - number.log(rate) + number.lgamma(a) + (1 - a) * number.digamma(a)
    return number.tensor(h)


def kl_gamma(
    concentration: Number, rate: Number, other_concentration: Number, other_rate: Number
) -> Tensor:
    """KL(p || q) = (a - b) psi(a) - log Gamma(a) + log Gamma(b) - b log r + a (r - 1).

    a and b are the two concentrations, r = other_rate / rate.
    """
    a, b = concentration, other_concentration
    gammas = number.lgamma(b) - number.lgamma(a)
    r = other_rate / rate
    return number.tensor((a - b) * number.digamma(a) + gammas - b * number.log(r) + a * (r - 1))
