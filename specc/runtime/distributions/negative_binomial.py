"""The negative binomial distribution, entry by entry.

    log p(x) = log Gamma(x + r) - log x! - log Gamma(r) + x log s + r log(1 - s),  x in {0, 1, ...}

r = total_count > 0, not necessarily whole; s = sigmoid(logits), the probability of one more
success before r failures. All broadcast. Johnson, Kemp and Kotz (2005), chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The log-probability, -inf where value < 0."""
    inside = value >= 0
    x, r = torch.where(inside, value, 0), total_count
    log_s, log_rest = -number.softplus(-logits), -number.softplus(logits)
    ways = torch.lgamma(x + r) - torch.lgamma(x + 1.0) - number.lgamma(r)
    return torch.where(inside, ways + x * log_s + r * log_rest, -torch.inf)


@torch.no_grad()
def sample(
    noise: Noise, total_count: Number, logits: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Counts as floating-point numbers: Poisson of the rate e^logits g, g ~ Gamma(r, 1)."""
    size = number.full_shape(shape, total_count, logits)
    return noise.poisson(noise.gamma(total_count, size) * number.exp(logits), size)


def mean(total_count: Number, logits: Number) -> Tensor:
    """The mean, r e^logits."""
    return number.tensor(total_count * number.exp(logits))
