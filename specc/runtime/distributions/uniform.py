"""The uniform distribution on [low, high], entry by entry.

    log p(x) = -log(high - low),  low <= x <= high

x, low and high broadcast; low < high. Johnson, Kotz and Balakrishnan (1995), chapter 26.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, low: Number, high: Number) -> Tensor:
    """The log-density, -inf outside [low, high]."""
    inside = (value >= low) & (value <= high)
    return torch.where(inside, -number.broadcast(number.log(high - low), value), -torch.inf)


def rsample(
    noise: Noise, low: Number, high: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw low + (high - low) u, u uniform on (0, 1): differentiable in low and high."""
    u = noise.uniform(number.full_shape(shape, low, high))
    return low + (high - low) * u.clamp_min(torch.finfo(u.dtype).eps / 4)


@torch.no_grad()
def sample(
    noise: Noise, low: Number, high: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, low, high, shape=shape)


def tails(value: Tensor, low: Number, high: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), log((x - low) / (high - low)), and log P(X > value), of high - x."""
    x, start, end = number.reals(value, low, high)
    return _log_share(x - start, end - x), _log_share(end - x, x - start)


def _log_share(part: Tensor, rest: Tensor) -> Tensor:
    """-log(1 + rest / part), -inf where part <= 0, 0 where rest <= 0."""
    inside = (part > 0) & (rest > 0)
    ratio = torch.where(inside, rest, 1.0) / torch.where(inside, part, 1.0)
    return torch.where(inside, -ratio.log1p(), torch.where(part > 0, 0.0, -torch.inf))


def quantile(log_p: Tensor, log_q: Tensor, low: Number, high: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q."""
    width = high - low
    return torch.where(log_p < log_q, low + width * log_p.exp(), high - width * log_q.exp())


def mean(low: Number, high: Number) -> Tensor:
    """The mean, (low + high) / 2."""
    return number.tensor(0.5 * (low + high))


def entropy(low: Number, high: Number) -> Tensor:
    """The entropy, log(high - low)."""
    return number.tensor(number.log(high - low))


def kl_uniform(low: Number, high: Number, other_low: Number, other_high: Number) -> Tensor:
    """The log ratio of the widths; inf where [low, high] is not within the other interval."""
    log_ratio = number.log(other_high - other_low) - number.log(high - low)
    lower = number.broadcast(number.minus(low, other_low), high, other_high)
    upper = number.broadcast(number.minus(other_high, high), low, other_low)
    return torch.where((lower >= 0) & (upper >= 0), log_ratio, torch.inf)
