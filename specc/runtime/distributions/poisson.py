"""The Poisson distribution, entry by entry.

    log p(x) = x log rate - rate - log x!,  x in {0, 1, ...}

x and rate broadcast; rate >= 0, and at 0 the count is 0. Johnson, Kemp and Kotz (2005), chapter 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_gamma import log_gammainc
from specc.runtime.log_gamma import deviance, stirling
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.quantiles import count_quantile


def log_prob(value: Tensor, rate: Number) -> Tensor:
    """The log-probability, -inf where value < 0.

    Computed from the deviance and the error term of Stirling's formula, which do not cancel for
    large counts (Loader 2000). A rate that underflowed to 0 counts as the smallest normal number,
    so that the gradient at a count of 0 is finite.
    """
    counts, mean = number.reals(value, rate)
    inside = counts >= 0
    x = torch.where(inside, counts, 0.0)
    return torch.where(inside, -deviance(x, mean) - stirling(x), -torch.inf)


@torch.no_grad()
def sample(noise: Noise, rate: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """Counts as floating-point numbers, of the given shape or that of the rate."""
    return noise.poisson(rate, number.full_shape(shape, rate))


def tails(value: Tensor, rate: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of the integer part x of the value.

    They are the logarithms of the incomplete gamma functions Q(x + 1, rate) and P(x + 1, rate).
    """
    given, mean = number.reals(value, rate)
    inside, certain = given >= 0, mean <= 0
    count = torch.where(inside, given.floor(), 0.0)
    log_q, log_p = log_gammainc(count + 1, torch.where(certain, 1.0, mean))
    log_p, log_q = torch.where(certain, 0.0, log_p), torch.where(certain, -torch.inf, log_q)
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, rate: Number) -> Tensor:
    """The least count x with log P(X <= x) >= log_p, or log P(X > x) <= log_q."""
    return count_quantile(lambda x: tails(x, rate), log_p, log_q)


def mean(rate: Number) -> Tensor:
    """The mean, rate."""
    return number.tensor(rate)


def kl_poisson(rate: Number, other_rate: Number) -> Tensor:
    """KL(p || q) = rate (log rate - log other_rate) + other_rate - rate."""
    return deviance(*number.reals(rate, other_rate))
