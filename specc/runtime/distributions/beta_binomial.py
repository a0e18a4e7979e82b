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
from specc.runtime.quantiles import count_quantile


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


def tails(
    value: Tensor, total_count: Number, concentration1: Number, concentration0: Number
) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value), of the integer part of the value.

    The smaller of the two is summed, and the other is its complement.
    """
    given, n, a, b = torch.broadcast_tensors(  # type: ignore[no-untyped-call]
        *number.reals(value, total_count, concentration1, concentration0)
    )
    inside, below = (given >= 0) & (given < n), given < 0
    count = torch.where(inside, given, 0.0).unsqueeze(-1)
    n, a, b = (each.unsqueeze(-1) for each in (n.clamp_min(1), a, b))
    counts = torch.arange(int(n.max()) + 1, dtype=n.dtype, device=n.device)
    log_p = log_prob(torch.minimum(counts, n), n, a, b)
    under = torch.where(counts <= count, log_p, -torch.inf).logsumexp(-1)
    over = torch.where((counts > count) & (counts <= n), log_p, -torch.inf).logsumexp(-1)
    few = under < over
    known = torch.where(few, under, over).clamp_max(-torch.finfo(n.dtype).tiny)
    rest = number.log1m_exp(known)
    under, over = torch.where(few, known, rest), torch.where(few, rest, known)
    under = torch.where(inside, under, torch.where(below, -torch.inf, 0.0))
    return under, torch.where(inside, over, torch.where(below, 0.0, -torch.inf))


def quantile(
    log_p: Tensor,
    log_q: Tensor,
    total_count: Number,
    concentration1: Number,
    concentration0: Number,
) -> Tensor:
    """The least count x with log P(X <= x) >= log_p, or log P(X > x) <= log_q."""
    parameters = total_count, concentration1, concentration0
    return count_quantile(lambda x: tails(x, *parameters), log_p, log_q)


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
