"""The binomial distribution, entry by entry.

    log p(x) = log(n! / (x! (n - x)!)) + x log s + (n - x) log(1 - s),  x in {0, ..., n}

n = total_count, s = sigmoid(logits); all broadcast. Bishop (2006), equation 2.9.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The log-probability, -inf where value < 0 or value > total_count."""
    inside = (value >= 0) & (value <= total_count)
    x = torch.where(inside, value, 0)
    rest = total_count - x
    log_ways = _log_factorial(total_count) - torch.lgamma(x + 1.0) - torch.lgamma(rest + 1.0)
    log_p = log_ways - x * number.softplus(-logits) - rest * number.softplus(logits)
    return torch.where(inside, log_p, -torch.inf)


@torch.no_grad()
def sample(
    noise: Noise, total_count: Number, logits: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Counts as floating-point numbers, of the given shape or that of the parameters."""
    size = number.full_shape(shape, total_count, logits)
    return noise.binomial(total_count, number.sigmoid(logits), size)


def mean(total_count: Number, logits: Number) -> Tensor:
    """The mean, n sigmoid(logits)."""
    return number.tensor(total_count * number.sigmoid(logits))


def enumerate_values(
    *, classes: int | None, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The counts 0 to n, shape [classes], where classes = n + 1.

    Raises `ValueError` where `classes` is not given.
    """
    if classes is None:
        raise ValueError("the number of trials is not known")
    return torch.arange(classes, dtype=dtype, device=device)


def _log_factorial(n: Number) -> Number:
    return number.lgamma(n + 1.0)
