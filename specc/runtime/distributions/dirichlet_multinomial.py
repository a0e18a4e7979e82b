"""The Dirichlet-multinomial distribution: counts of n classes among N draws.

    log p(x) = log N! + log Gamma(A) - log Gamma(N + A)
               + sum_i (log Gamma(x_i + a_i) - log Gamma(a_i) - log x_i!)

a = concentration, A = sum_i a_i, N = total_count. x [..., n] sums to N; a [..., n] > 0; N [...];
leading axes broadcast, and the result has no class axis. Mosimann (1962), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import multinomial
from specc.runtime.log_gamma import binet, log1p_ratio, pooled_deviance, stirling
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, total_count: Number, concentration: Tensor) -> Tensor:
    """The log-probability; -inf where an entry is negative or the entries do not sum to N.

    Computed from the deviance of the two rows x and a of a table from proportional ones, and the
    error terms of Stirling's formula (Loader 2000): it tends to the multinomial probability for
    large a.
    """
    counts, n, a = number.reals(value, total_count, concentration)
    inside = (counts >= 0).all(-1) & (counts.sum(-1) == n)
    x = torch.where(counts >= 0, counts, 0.0)
    total, weight = x.sum(-1), a.sum(-1)
    each = stirling(x) + 0.5 * log1p_ratio(x, a) - (binet(x + a) - binet(a))
    joint = stirling(total) + 0.5 * log1p_ratio(total, weight)
    joint = joint - (binet(total + weight) - binet(weight))
    log_p = joint - each.sum(-1) - pooled_deviance(x, a)
    return torch.where(inside, log_p, -torch.inf)


@torch.no_grad()
def sample(
    noise: Noise,
    total_count: Number,
    concentration: Tensor,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Counts as floating-point numbers: multinomial of probabilities that are Dirichlet draws."""
    leading = number.shape(total_count, concentration[..., 0])
    size = (*leading, concentration.shape[-1]) if shape is None else tuple(shape)
    return multinomial.sample(noise, total_count, noise.log_gamma(concentration, size), shape=size)


def mean(total_count: Number, concentration: Tensor) -> Tensor:
    """The mean, N a / A."""
    total = total_count.unsqueeze(-1) if isinstance(total_count, Tensor) else total_count
    return total * (concentration / concentration.sum(-1, keepdim=True))
