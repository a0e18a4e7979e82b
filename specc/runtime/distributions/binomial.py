"""The binomial distribution, entry by entry.

    log p(x) = log(n! / (x! (n - x)!)) + x log s + (n - x) log(1 - s),  x in {0, ..., n}

n = total_count, s = sigmoid(logits); all broadcast. Bishop (2006), equation 2.9.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_beta import log_betainc
from specc.runtime.log_gamma import binomial_deviance, stirling
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.quantiles import count_quantile


def log_prob(value: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The log-probability, -inf where value < 0 or value > total_count.

    Infinite logits are probabilities of 0 and 1, for which one count is certain.

    Computed from a deviance and the error terms of Stirling's formula (Loader 2000).
    """
    counts, n, scores = number.reals(value, total_count, logits)
    inside = (counts >= 0) & (counts <= n)
    x = torch.where(inside, counts, 0.0)
    certain = torch.where(scores > 0, x == n, x == 0) & inside
    random = scores.abs() < torch.inf
    ways = stirling(n) - stirling(x) - stirling(n - x)
    pair = number.sigmoid_pair(torch.where(random, scores, 0.0))
    log_p = ways - binomial_deviance(x, n - x, *pair)
    log_p = torch.where(random, log_p, torch.where(certain, 0.0, -torch.inf))
    return torch.where(inside, log_p, -torch.inf)


@torch.no_grad()
def sample(
    noise: Noise, total_count: Number, logits: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Counts as floating-point numbers, of the given shape or that of the parameters."""
    size = number.full_shape(shape, total_count, logits)
    return noise.binomial(total_count, number.sigmoid(logits), size)


def tails(value: Tensor, total_count: Number, logits: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of the integer part x of the value.

    They are the logarithms of the incomplete beta functions I(1 - s; n - x, x + 1) and
    I(s; x + 1, n - x), s = sigmoid(logits).
    """
    given, n, scores = number.reals(value, total_count, logits)
    inside, below = (given >= 0) & (given < n), given < 0
    count, rest = torch.where(inside, given.floor(), 0.0), torch.where(inside, n - given.floor(), 1)
    log_p, log_q = log_betainc(rest, count + 1, *number.sigmoid_pair(-scores))
    log_p = torch.where(inside, log_p, torch.where(below, -torch.inf, 0.0))
    return log_p, torch.where(inside, log_q, torch.where(below, 0.0, -torch.inf))


def quantile(log_p: Tensor, log_q: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The least count x with log P(X <= x) >= log_p, or log P(X > x) <= log_q."""
    return count_quantile(lambda x: tails(x, total_count, logits), log_p, log_q)


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
