"""The gamma distribution, entry by entry.

    log p(x) = a log rate + (a - 1) log x - rate x - log Gamma(a),  a = concentration,  x > 0

x, concentration and rate broadcast; both parameters > 0. Bishop (2006), equation 2.146.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_gamma import log_gamma_quantile, log_gammainc
from specc.runtime.log_gamma import (
    HALF_LOG_2PI,
    binet,
    binet_slope,
    deviance,
    kl_rest,
    log_kernel,
)
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, concentration: Number, rate: Number) -> Tensor:
    """The log-density, -inf where value < 0; at 0 its limit.

    The limit is inf for a < 1, log rate for a = 1 and -inf for a > 1.

    With m = rate x, a log m - m - log Gamma(a) is the sum of a deviance and small terms.
    """
    given, a, b = number.reals(value, concentration, rate)
    positive = given > 0
    x = torch.where(positive, given, 1.0)
    log_x, log_b, shape = x.log(), b.log(), a.detach()
    inside = log_kernel(a, b * x, log_b + log_x) - log_x
    at_zero = torch.where(shape == 1, log_b, (1 - shape) * torch.inf)
    return torch.where(positive, inside, torch.where(given == 0, at_zero, -torch.inf))


def rsample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw g / rate, g ~ Gamma(a, 1): differentiable in both parameters (Figurnov et al. 2018).

    No draw is 0 or inf: draws are clamped between the smallest and the largest normal number of
    their dtype.
    """
    size = number.full_shape(shape, concentration, rate)
    drawn = number.tensor(number.over(noise.gamma(concentration, size), rate))
    kind = torch.finfo(drawn.dtype)
    return drawn.clamp(kind.tiny, kind.max)


@torch.no_grad()
def sample(
    noise: Noise, concentration: Number, rate: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration, rate, shape=shape)


def tails(value: Tensor, concentration: Number, rate: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value); 0 and 1 at values <= 0.

    They are the logarithms of the incomplete gamma functions P(a, rate x) and Q(a, rate x).
    """
    given, a, b = number.reals(value, concentration, rate)
    inside = given > 0
    log_p, log_q = log_gammainc(a, b * torch.where(inside, given, 1.0))
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, concentration: Number, rate: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q; never 0 or inf."""
    a, b = number.reals(concentration, rate)
    return number.positive_exp(log_gamma_quantile(log_p, log_q, a) - b.log())


def mean(concentration: Number, rate: Number) -> Tensor:
    """The mean, a / rate."""
    return number.tensor(concentration / rate)


def entropy(concentration: Number, rate: Number) -> Tensor:
    """The entropy, a - log rate + log Gamma(a) + (1 - a) psi(a).

    By Binet's function: (log(2 pi a) - 1 / a + 1) / 2 + mu(a) + (1 - a) mu'(a) - log rate.
    """
    a, b = number.reals(concentration, rate)
    terms = 0.5 * (1 - a.reciprocal()) + binet(a) + (1 - a) * binet_slope(a)
    return 0.5 * a.log() + HALF_LOG_2PI + terms - b.log()


def kl_gamma(
    concentration: Number, rate: Number, other_concentration: Number, other_rate: Number
) -> Tensor:
    """KL(p || q) = (a - b) psi(a) - log Gamma(a) + log Gamma(b) - b log r + a (r - 1).

    a and b are the two concentrations, r = other_rate / rate. Computed as the sum of the deviance
    of b from a r and `kl_rest`.
    """
    a, p, b, q = number.reals(concentration, rate, other_concentration, other_rate)
    mean = a * (q / p)
    return deviance(b, mean, a.log() + q.log() - p.log()) + kl_rest(a, b)
