"""The Cauchy distribution, entry by entry.

    log p(x) = -log(pi scale) - log(1 + ((x - loc) / scale)^2)

x, loc and scale broadcast; scale > 0. There is no mean. Johnson, Kotz and Balakrishnan (1994),
chapter 16.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the three broadcast."""
    z = number.over(number.minus(value, loc), scale)
    return number.tensor(-number.log1p(z * z) - number.log(math.pi * scale))


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale tan(pi (u - 1 / 2)), u uniform: differentiable in loc and scale."""
    u = noise.uniform(number.full_shape(shape, loc, scale))
    return loc + scale * (math.pi * (u - 0.5)).tan()


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, log(4 pi scale)."""
    return number.spread(number.log(4 * math.pi * scale), loc)


def kl_cauchy(loc: Number, scale: Number, other_loc: Number, other_scale: Number) -> Tensor:
    """KL(p || q) = log(((scale + other_scale)^2 + (loc - other_loc)^2) / (4 scale other_scale)).

    Chyzak and Nielsen (2019), theorem 1.
    """
    width, shift = scale + other_scale, number.minus(loc, other_loc)
    ratio = (width * width + shift * shift) / (4 * scale * other_scale)
    return number.tensor(number.log(ratio))
