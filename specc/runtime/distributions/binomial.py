"""The binomial distribution, entry by entry.

    log p(x) = log(n! / (x! (n - x)!)) + x log s + (n - x) log(1 - s),  x in {0, ..., n}

n = total_count, s = sigmoid(logits); all broadcast. Bishop (2006), equation 2.9.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import binomial_deviance, stirling
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The log-probability, -inf where value < 0 or value > total_count.

    Computed from a deviance and the error terms of Stirling's formula (Loader 2000).
    """
    counts, n, scores = number.reals(value, total_count, logits)
    inside = (counts >= 0) & (counts <= n)
    x = torch.where(inside, counts, 0.0)
    ways = stirling(n) - stirling(x) - stirling(n - x)
    log_p = ways - binomial_deviance(x, n - x, *number.sigmoid_pair(scores))
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

    Raises ValueError if `classes` is None.
    """
    if classes is None:
        raise ValueError("the number of trials is not known")
    return torch.arange(classes, dtype=dtype, device=device)
