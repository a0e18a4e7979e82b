"""The beta distribution, entry by entry.

    log p(x) = (a - 1) log x + (b - 1) log(1 - x) - log B(a, b),  0 < x < 1

a = concentration1, b = concentration0, both > 0; all broadcast. Bishop (2006), equation 2.13.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, concentration1: Number, concentration0: Number) -> Tensor:
    """The log-density, -inf outside [0, 1]; at 0 and 1 the limits, which a and b decide."""
    a, b = concentration1, concentration0
    return number.log_power(value, a - 1) + number.log_power(1 - value, b - 1) - _log_beta(a, b)


def rsample(
    noise: Noise,
    concentration1: Number,
    concentration0: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Draw g1 / (g1 + g0), g1 ~ Gamma(a, 1), g0 ~ Gamma(b, 1), inside (0, 1).

    Differentiable in both parameters. The ratio is taken between logarithms, since gamma numbers
    of small parameters vanish in floating point.
    """
    size = number.full_shape(shape, concentration1, concentration0)
    log_odds = noise.log_gamma(concentration1, size) - noise.log_gamma(concentration0, size)
    info = torch.finfo(log_odds.dtype)
    return log_odds.sigmoid().clamp(info.tiny, 1 - info.eps / 2)


@torch.no_grad()
def sample(
    noise: Noise,
    concentration1: Number,
    concentration0: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration1, concentration0, shape=shape)


def mean(concentration1: Number, concentration0: Number) -> Tensor:
    """The mean, a / (a + b)."""
    return number.tensor(concentration1 / (concentration1 + concentration0))


def entropy(concentration1: Number, concentration0: Number) -> Tensor:
    """The entropy, log B(a, b) - (a - 1) psi(a) - (b - 1) psi(b) + (a + b - 2) psi(a + b)."""
    a, b = concentration1, concentration0
    slopes = (a - 1) * number.digamma(a) + (b - 1) * number.digamma(b)
    return number.tensor(_log_beta(a, b) - slopes + (a + b - 2) * number.digamma(a + b))


def kl_beta(
    concentration1: Number,
    concentration0: Number,
    other_concentration1: Number,
    other_concentration0: Number,
) -> Tensor:
    """KL(p || q), with c and d the parameters of q.

    log B(c, d) - log B(a, b) + (a - c) psi(a) + (b - d) psi(b) - (a + b - c - d) psi(a + b)
    """
    a, b, c, d = concentration1, concentration0, other_concentration1, other_concentration0
    slopes = (a - c) * number.digamma(a) + (b - d) * number.digamma(b)
    joint = (a + b - c - d) * number.digamma(a + b)
    return number.tensor(_log_beta(c, d) - _log_beta(a, b) + slopes - joint)


def _log_beta(a: Number, b: Number) -> Number:
    """The logarithm of B(a, b), log Gamma(a) + log Gamma(b) - log Gamma(a + b)."""
    return number.lgamma(a) + number.lgamma(b) - number.lgamma(a + b)
