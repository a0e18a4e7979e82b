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
from specc.runtime.log_gamma import binet_slope, log1p_less
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.student_distance import (
    CENTRE,
    distance_quantile,
    distance_tails,
    log_density_at_centre,
    log_normalizer,
)


def log_prob(value: Tensor, df: Number, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the four broadcast."""
    x, n, center, s = number.reals(value, df, loc, scale)
    distance, width = x - center, n.sqrt() * s
    # For small y, log(1 + y) - y is computed without cancellation, as is its derivative in df.
    near = distance.abs() < 0.5 * width
    z = torch.where(near, distance, 0.0) / s
    square = z * z
    inside = 0.5 * (square + square / n + (n + 1) * log1p_less(square / n))
    outside = 0.5 * (n + 1) * number.tensor(number.log1p_square(distance, width))
    return -log_normalizer(n) - s.log() - torch.where(near, inside, outside)


def rsample(
    noise: Noise, df: Number, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale eps / sqrt(g / (df / 2)), eps ~ N(0, 1), g ~ Gamma(df / 2, 1).

    Differentiable in all three parameters.
    """
    size = number.full_shape(shape, df, loc, scale)
    half_df = 0.5 * df
    log_precision = noise.log_gamma(half_df, size) - number.log(half_df)
    width = number.positive_exp(-0.5 * log_precision, room=1e3)
    drawn = loc + scale * noise.normal(size) * width
    largest = torch.finfo(drawn.dtype).max
    return drawn.clamp(-largest, largest)


@torch.no_grad()
def sample(
    noise: Noise, df: Number, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, df, loc, scale, shape=shape)


def tails(value: Tensor, df: Number, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value).

    At the centre they are log (1 + d) / 2 and log (1 - d) / 2, d = 2 f z (1 - (n + 1) z^2 / 6), of
    which d has a derivative at z = 0, as |z| has not.
    """
    x, n, center, s = number.reals(value, df, loc, scale)
    distance = x - center
    _, beyond = distance_tails(distance, n, s)
    tail = beyond - math.log(2)
    rest = number.log1m_exp(tail)
    is_low = distance < 0
    z = distance / (n.sqrt() * s)
    near = z.abs() * (n + 1).sqrt() < CENTRE
    z = torch.where(near, z, 0.0)
    d = (log_density_at_centre(n) + math.log(2)).exp() * z * (1 - (n + 1) * z * z / 6)
    log_p = torch.where(near, d.log1p() - math.log(2), torch.where(is_low, tail, rest))
    log_q = torch.where(near, (-d).log1p() - math.log(2), torch.where(is_low, rest, tail))
    return log_p, log_q


def quantile(log_p: Tensor, log_q: Tensor, df: Number, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q."""
    n, center, s = number.reals(df, loc, scale)
    is_low = log_p < log_q
    beyond = (torch.where(is_low, log_p, log_q) + math.log(2)).clamp_max(
        -torch.finfo(log_p.dtype).tiny
    )
    distance = s * distance_quantile(number.log1m_exp(beyond), beyond, n)
    return center + torch.where(is_low, -distance, distance)


def mean(df: Number, loc: Number, scale: Number) -> Tensor:
    """The mean, loc where df > 1; NaN elsewhere, where it does not exist."""
    center = number.broadcast(loc, df, scale)
    return torch.where(number.broadcast(df, center) > 1, center, torch.nan)


def entropy(df: Number, loc: Number, scale: Number) -> Tensor:
    """The entropy, h (psi(h) - psi(df / 2)) + log Z + log scale, h = (df + 1) / 2."""
    n, _, s = number.reals(df, loc, scale)
    k, h = 0.5 * n, 0.5 * (n + 1)
    # psi(h) - psi(k), without the logarithms of h and k, which cancel.
    slope = torch.log1p(0.5 / k) + 0.25 / (k * h) + (binet_slope(h) - binet_slope(k))
    return number.broadcast(h * slope + log_normalizer(n) + s.log(), loc)
