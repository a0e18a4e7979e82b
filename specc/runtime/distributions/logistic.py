"""The logistic distribution, entry by entry.

    log p(x) = -|z| - log scale - 2 log(1 + exp(-|z|)),  z = (x - loc) / scale

x, loc and scale broadcast; scale > 0. Johnson, Kotz and Balakrishnan (1995), chapter 23.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, scale: Number) -> Tensor:
    """The log-density, in the shape of the three broadcast; it is even in z."""
    z = number.over(number.distance(value, loc), scale)
    return number.tensor(-z - 2 * number.softplus(-z) - number.log(scale))


def rsample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + scale log(e1 / e2), e1 and e2 standard exponential.

    Differentiable in loc and scale. Both tails are equally precise; log(u / (1 - u)) of a uniform
    number u would truncate the upper one.
    """
    size = number.full_shape(shape, loc, scale)
    return loc + scale * (noise.exponential(size).log() - noise.exponential(size).log())


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale, shape=shape)


def tails(value: Tensor, loc: Number, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of sigmoid(z) and sigmoid(-z)."""
    z = number.tensor(number.over(number.minus(value, loc), scale))
    return functional.logsigmoid(z), functional.logsigmoid(-z)


def quantile(log_p: Tensor, log_q: Tensor, loc: Number, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q."""
    return loc + scale * (log_p - log_q)


def mean(loc: Number, scale: Number) -> Tensor:
    """The mean, loc, in the shape of the parameters."""
    return number.broadcast(loc, scale)


def entropy(loc: Number, scale: Number) -> Tensor:
    """The entropy, log scale + 2."""
    return number.broadcast(number.log(scale) + 2, loc)
