"""Student's t-distribution, entry by entry.

    log p(x) = log Gamma((df + 1) / 2) - log Gamma(df / 2) - log(pi df) / 2 - log scale
               - (df + 1) / 2 log(1 + z^2 / df),  z = (x - loc) / scale

x, df, loc and scale broadcast; df and scale > 0. Bishop (2006), equation 2.159.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, df: Number, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the four broadcast."""
    z = number.over(number.minus(value, loc), scale)
    tail = 0.5 * (df + 1) * number.log1p(z * z / df)
    return number.tensor(-_log_normalizer(df) - number.log(scale) - tail)


def rsample(
    noise: Noise, df: Number, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale eps / sqrt(g / (df / 2)), eps ~ N(0, 1), g ~ Gamma(df / 2, 1).

    Differentiable in all three parameters.
    """
    size = number.full_shape(shape, df, loc, scale)
    half_df = 0.5 * df
    log_precision = noise.log_gamma(half_df, size) - number.log(half_df)
    return loc + scale * noise.normal(size) * (-0.5 * log_precision).exp()


@torch.no_grad()
def sample(
    noise: Noise, df: Number, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, df, loc, scale, shape=shape)


def mean(df: Number, loc: Number, scale: Number) -> Tensor:
    """The mean, loc where df > 1; not a number elsewhere, where there is no mean."""
    center = number.spread(loc, df, scale)
    return torch.where(number.spread(df, center) > 1, center, torch.nan)


def entropy(df: Number, loc: Number, scale: Number) -> Tensor:
    """The entropy, h (psi(h) - psi(df / 2)) + log Z + log scale, h = (df + 1) / 2."""
    half = 0.5 * (df + 1)
    slope = number.digamma(half) - number.digamma(0.5 * df)
    return number.spread(half * slope + _log_normalizer(df) + number.log(scale), loc)


def _log_normalizer(df: Number) -> Number:
    """The log of Z = sqrt(df) B(df / 2, 1 / 2), the integral of (1 + z^2 / df)^(-(df + 1) / 2)."""
    gammas = number.lgamma(0.5 * df) - number.lgamma(0.5 * (df + 1))
    return gammas + 0.5 * number.log(math.pi * df)
