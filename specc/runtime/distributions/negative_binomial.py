"""The negative binomial distribution, entry by entry.

    log p(x) = log Gamma(x + r) - log x! - log Gamma(r) + x log s + r log(1 - s),  x in {0, 1, ...}

r = total_count > 0, not necessarily an integer; s = sigmoid(logits), the probability of one more
success before r failures. All broadcast. Johnson, Kemp and Kotz (2005), chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_beta import log_betainc
from specc.runtime.log_gamma import binet, binomial_deviance, log1p_ratio, stirling
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.quantiles import count_quantile


def log_prob(value: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The log-probability, -inf where value < 0.

    Computed from a deviance and the error terms of Stirling's formula (Loader 2000), so that it
    tends to that of the Poisson distribution for large r.
    """
    counts, r, scores = number.reals(value, total_count, logits)
    inside = counts >= 0
    x = torch.where(inside, counts, 0.0)
    ways = binet(x + r) - binet(r) - 0.5 * log1p_ratio(x, r) - stirling(x)
    log_p = ways - binomial_deviance(x, r, *number.sigmoid_pair(scores))
    return torch.where(inside, log_p, -torch.inf)


@torch.no_grad()
def sample(
    noise: Noise, total_count: Number, logits: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Counts as floating-point numbers: Poisson of the rate e^logits g, g ~ Gamma(r, 1)."""
    size = number.full_shape(shape, total_count, logits)
    return noise.poisson((noise.log_gamma(total_count, size) + logits).exp(), size)


def tails(value: Tensor, total_count: Number, logits: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of the integer part x of the value.

    They are the logarithms of the incomplete beta functions I(1 - s; r, x + 1) and I(s; x + 1, r),
    s = sigmoid(logits).
    """
    given, r, scores = number.reals(value, total_count, logits)
    inside = given >= 0
    count = torch.where(inside, given.floor(), 0.0)
    log_p, log_q = log_betainc(r, count + 1, *number.sigmoid_pair(-scores))
    return torch.where(inside, log_p, -torch.inf), torch.where(inside, log_q, 0.0)


def quantile(log_p: Tensor, log_q: Tensor, total_count: Number, logits: Number) -> Tensor:
    """The least count x with log P(X <= x) >= log_p, or log P(X > x) <= log_q."""
    return count_quantile(lambda x: tails(x, total_count, logits), log_p, log_q)


def mean(total_count: Number, logits: Number) -> Tensor:
    """The mean, r e^logits."""
    return number.tensor(total_count * number.exp(logits))
