"""The multivariate Student t-distribution of vectors of n numbers.

    log p(x) = log Gamma((df + n) / 2) - log Gamma(df / 2) - n log(pi df) / 2 - sum_i log L_ii
               - (df + n) / 2 log(1 + |y|^2 / df),  L y = x - loc

x and loc [..., n]; df [...] > 0; L = scale_tril [..., n, n] lower triangular with a positive
diagonal; leading axes broadcast, and the result has no vector axis. Bishop (2006), equation 2.162.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import HALF_LOG_2PI, binet, log1p_less
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, df: Number, loc: Number, scale_tril: Tensor) -> Tensor:
    """The log-density; df and loc may be floats, loc the same for all entries."""
    x, degrees, center, factor = number.reals(value, df, loc, scale_tril)
    size = factor.shape[-1]
    y = torch.linalg.solve_triangular(factor, (x - center).unsqueeze(-1), upper=False).squeeze(-1)
    log_det = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    # Lengths are in units of the largest entry, whose square may be out of range.
    unit = y.detach().abs().amax(-1)
    width = degrees.sqrt()
    near = unit < 0.5 * width / math.sqrt(size)
    square = torch.where(near.unsqueeze(-1), y, 0.0).square().sum(-1)
    ratio = square / degrees
    inside = 0.5 * (square + size * ratio + (degrees + size) * log1p_less(ratio))
    far = torch.where(near, 1.0, unit)
    away = torch.where(near.unsqueeze(-1), 1.0, y) / far.unsqueeze(-1)
    length = far * away.square().sum(-1).sqrt()
    outside = 0.5 * (degrees + size) * number.tensor(number.log1p_square(length, width))
    return -_log_normalizer(degrees, size) - log_det - torch.where(near, inside, outside)


def rsample(
    noise: Noise,
    df: Number,
    loc: Number,
    scale_tril: Tensor,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Draw loc + L eps / sqrt(g / (df / 2)), eps ~ N(0, I), g ~ Gamma(df / 2, 1).

    Differentiable in all three parameters.
    """
    degrees = df.unsqueeze(-1) if isinstance(df, Tensor) else df
    size = tuple(number.full_shape(shape, degrees, loc, scale_tril[..., 0]))
    half_df = 0.5 * df
    log_precision = noise.log_gamma(half_df, size[:-1]) - number.log(half_df)
    width = number.positive_exp(-0.5 * log_precision, room=1e3).unsqueeze(-1)
    eps = noise.normal(size).unsqueeze(-2)
    drawn = loc + (eps @ scale_tril.mT).squeeze(-2) * width
    largest = torch.finfo(drawn.dtype).max
    return drawn.clamp(-largest, largest)


@torch.no_grad()
def sample(
    noise: Noise,
    df: Number,
    loc: Number,
    scale_tril: Tensor,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, df, loc, scale_tril, shape=shape)


def mean(df: Number, loc: Number, scale_tril: Tensor) -> Tensor:
    """The mean, loc where df > 1; NaN elsewhere, where it does not exist."""
    degrees = df.unsqueeze(-1) if isinstance(df, Tensor) else df
    center = number.broadcast(loc, degrees, scale_tril[..., 0])
    return torch.where(number.broadcast(degrees, center) > 1, center, torch.nan)


def _log_normalizer(df: Tensor, size: int) -> Tensor:
    """log(Gamma(k) (2 pi k)^h / Gamma(k + h)), k = df / 2, h = size / 2.

    By Binet's function it is h log(2 pi) - k (log(1 + u) - u) - (h - 1/2) log(1 + u)
    - mu(k + h) + mu(k), u = h / k, in which no large numbers cancel.
    """
    k, h = 0.5 * df, 0.5 * size
    u = h / k
    slow = k * log1p_less(u) + (h - 0.5) * u.log1p()
    return size * HALF_LOG_2PI - slow - (binet(k + h) - binet(k))
