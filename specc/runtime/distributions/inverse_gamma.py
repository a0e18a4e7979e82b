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
from specc.runtime.incomplete_gamma import log_gamma_quantile, log_gammainc
from specc.runtime.log_gamma import HALF_LOG_2PI, binet, binet_slope, log_kernel
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, concentration: Number, rate: Number) -> Tensor:
    """The log-density, -inf where value <= 0 (the density tends to 0 at 0)."""
    given, a, b = number.reals(value, concentration, rate)
    inside = given > 0
    x = torch.where(inside, given, 1.0)
    log_x = x.log()
    log_p = log_kernel(a, b / x, b.log() - log_x) - log_x
    return torch.where(inside, log_p, -torch.inf)


def rsample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw rate / g, g ~ Gamma(a, 1): differentiable in both parameters; never 0 or inf."""
    size = number.full_shape(shape, concentration, rate)
    return number.positive_exp(number.log(rate) - noise.log_gamma(concentration, size))


@torch.no_grad()
def sample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration, rate, shape=shape)


def tails(value: Tensor, concentration: Number, rate: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value); 0 and 1 at values <= 0.

    They are the logarithms of the incomplete gamma functions Q(a, rate / x) and P(a, rate / x).
    """
    given, a, b = number.reals(value, concentration, rate)
    inside = given > 0
    log_q, log_p = log_gammainc(a, b / torch.where(inside, given, 1.0))
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, concentration: Number, rate: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q; never 0 or inf."""
    a, b = number.reals(concentration, rate)
    return number.positive_exp(b.log() - log_gamma_quantile(log_q, log_p, a))


def mean(concentration: Number, rate: Number) -> Tensor:
    """The mean, rate / (a - 1) where a > 1, inf elsewhere."""
    ratio = number.broadcast(rate, concentration) / (concentration - 1)
    return torch.where(number.broadcast(concentration, rate) > 1, ratio, torch.inf)


def entropy(concentration: Number, rate: Number) -> Tensor:
    """The entropy, a + log rate + log Gamma(a) - (1 + a) psi(a).

    By Binet's function: (log(2 pi) + 1 / a + 1 - 3 log a) / 2 + mu(a) - (1 + a) mu'(a) + log rate.
    """
    a, b = number.reals(concentration, rate)
    terms = 0.5 * (1 + a.reciprocal()) + binet(a) - (1 + a) * binet_slope(a)
    return b.log() - 1.5 * a.log() + HALF_LOG_2PI + terms


def kl_inverse_gamma(
    concentration: Number, rate: Number, other_concentration: Number, other_rate: Number
) -> Tensor:
    """KL between two inverse gammas, which is that between the gammas of 1 / x."""
    return gamma.kl_gamma(concentration, rate, other_concentration, other_rate)
