"""The multinomial distribution: counts of n classes among N draws.

    log p(x) = log N! + sum_i (x_i log p_i - log x_i!),  p = softmax(logits),  N = total_count

x [..., n] sums to N; logits [..., n]; N [...]; leading axes broadcast, and the result has no class
axis. Bishop (2006), equation 2.34.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import deviance, stirling
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, total_count: Number, logits: Tensor) -> Tensor:
    """The log-probability; -inf where an entry is negative or the entries do not sum to N."""
    counts, n, scores = number.reals(value, total_count, logits)
    inside = (counts >= 0).all(-1) & (counts.sum(-1) == n)
    x = torch.where(counts >= 0, counts, 0.0)
    log_p = scores.log_softmax(-1).clamp_min(torch.finfo(scores.dtype).min)
    total = n.unsqueeze(-1)
    log_mean = log_p + total.clamp_min(torch.finfo(total.dtype).tiny).log()
    each = stirling(x) + deviance(x, total * log_p.exp(), log_mean)
    return torch.where(inside, stirling(n) - each.sum(-1), -torch.inf)


@torch.no_grad()
def sample(
    noise: Noise, total_count: Number, logits: Tensor, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Counts as floating-point numbers, [..., n], of the given shape or that of the parameters."""
    leading = number.shape(total_count, logits[..., 0]) if shape is None else tuple(shape)[:-1]
    probs = logits.softmax(-1).expand(*leading, -1)
    total = number.broadcast(total_count, probs[..., 0])
    most = int(total.max()) if total.numel() else 0
    counted = torch.arange(most, device=probs.device) < total.unsqueeze(-1)
    drawn = noise.classes(probs, max(most, 1))[..., :most]
    return torch.zeros_like(probs).scatter_add_(-1, drawn, counted.to(probs.dtype))


def mean(total_count: Number, logits: Tensor) -> Tensor:
    """The mean, N softmax(logits)."""
    total = total_count.unsqueeze(-1) if isinstance(total_count, Tensor) else total_count
    return total * logits.softmax(-1)
