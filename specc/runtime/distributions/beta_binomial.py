"""The beta-binomial distribution, entry by entry.

    log p(x) = log(n! / (x! (n - x)!)) + log B(x + a, n - x + b) - log B(a, b),  x in {0, ..., n}

n = total_count, a = concentration1 > 0, b = concentration0 > 0; all broadcast. Johnson, Kemp and
Kotz (2005), chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import dirichlet_multinomial
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(
    value: Tensor, total_count: Number, concentration1: Number, concentration0: Number
) -> Tensor:
    """The log-probability, -inf where value < 0 or value > total_count.

    It is the Dirichlet-multinomial distribution of (x, n - x).
    """
    x, n, a, b = torch.broadcast_tensors(  # type: ignore[no-untyped-call]
        *number.reals(value, total_count, concentration1, concentration0)
    )
    counts, weights = torch.stack((x, n - x), -1), torch.stack((a, b), -1)
    return dirichlet_multinomial.log_prob(counts, n, weights)


@torch.no_grad()
def sample(
    noise: Noise,
    total_count: Number,
    concentration1: Number,
    concentration0: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Counts as floating-point numbers: binomial of the probability g1 / (g1 + g0)."""
    size = number.full_shape(shape, total_count, concentration1, concentration0)
    log_odds = noise.log_gamma(concentration1, size) - noise.log_gamma(concentration0, size)
    return noise.binomial(total_count, log_odds.sigmoid(), size)


def mean(total_count: Number, concentration1: Number, concentration0: Number) -> Tensor:
    """The mean, n a / (a + b)."""
    return number.tensor(total_count * (concentration1 / (concentration1 + concentration0)))


def enumerate_values(
    *, classes: int | None, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The counts 0 to n, shape [classes], where classes = n + 1.

    Raises ValueError if `classes` is None.
    """
    if classes is None:
        raise ValueError("the number of trials is not known")
    return torch.arange(classes, dtype=dtype, device=device)
