"""The half-Cauchy distribution, entry by entry: |c|, c Cauchy around 0.

    log p(x) = log(2 / (pi scale)) - log(1 + (x / scale)^2),  x >= 0

x and scale broadcast; scale > 0. There is no mean. Gelman (2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import cauchy
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, scale: Number) -> Tensor:
    """The log-density, -inf where value < 0."""
    log_p = cauchy.log_prob(value, 0.0, scale) + math.log(2)
    return torch.where(value >= 0, log_p, -torch.inf)


def rsample(noise: Noise, scale: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw scale tan(pi u / 2), u uniform, never 0: differentiable in scale."""
    u = noise.uniform(number.full_shape(shape, scale))
    return scale * (0.5 * math.pi * u.clamp_min(torch.finfo(u.dtype).tiny)).tan()


@torch.no_grad()
def sample(noise: Noise, scale: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, scale, shape=shape)


def tails(value: Tensor, scale: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value); -inf and 0 where value <= 0."""
    given, s = number.reals(value, scale)
    inside = given > 0
    x = torch.where(inside, given, s)
    log_p, log_q = _log_share(x, s), _log_share(s, x)
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def _log_share(y: Tensor, x: Tensor) -> Tensor:
    """log of the angle of (x, y) as a share of pi / 2, by the other angle if that is smaller."""
    small = y < x
    share = torch.atan2(y, x) * (2 / math.pi)
    rest = torch.atan2(x, y) * (2 / math.pi)
    return torch.where(small, share.log(), (-torch.where(small, 0.0, rest)).log1p())


def quantile(log_p: Tensor, log_q: Tensor, scale: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q, from the smaller of the two."""
    low = log_p < log_q
    tangent = (0.5 * math.pi * torch.minimum(log_p, log_q).exp()).tan()
    tangent = tangent.clamp_min(torch.finfo(tangent.dtype).tiny)
    return scale * torch.where(low, tangent, 1 / tangent)


def entropy(scale: Number) -> Tensor:
    """The entropy, log(2 pi scale)."""
    return number.tensor(number.log(2 * math.pi * scale))
