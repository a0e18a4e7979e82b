"""The log-densities of single entries given all others, from an energy at their other values."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

AT_ONCE = 1 << 14
"""The most rows with a changed entry that are held at once."""


def log_conditionals(log_weight: Callable[[Tensor], Tensor], x: Tensor, values: Tensor) -> Tensor:
    """The sum over entries of log p(x_i | x_-i), where p is proportional to exp(log_weight).

    With w = log_weight, and x' equal to x but for the entry i,

        log p(x_i | x_-i) = -log sum_{x'_i} exp(w(x') - w(x)),

    which needs w at all other values of each entry. The gradient computes them again, some entries
    at a time. Besag (1975), section 3.

    Args:
        log_weight: A function from [..., rows, *shape, *event] to [..., rows].
        x: The values of the rows, [rows, *shape, *event].
        values: The values of one entry, [n, *event].

    Returns:
        The sum of each row, [rows].

    """
    rows, event = len(x), values.shape[1:]
    flat = x.reshape(rows, -1, *event).to(values.dtype)
    same = (flat.unsqueeze(2) == values).flatten(3).all(3) if event else flat.unsqueeze(2) == values
    index = same.to(torch.int8).argmax(2)  # the number of each value, [rows, entries]
    own, further = log_weight(x), torch.arange(1, len(values), device=x.device)

    def part(first: int, last: int) -> Tensor:
        entries = torch.arange(first, last, device=x.device)
        changed = flat.repeat(last - first, len(further), *[1] * flat.ndim)
        others = (index[:, first:last].T[:, None] + further[:, None]) % len(values)
        changed[entries - first, :, :, entries] = values[others]
        weights = log_weight(changed.reshape(*changed.shape[:3], *x.shape[1:]))
        zero = torch.zeros_like(own).expand(last - first, 1, rows)
        return -torch.cat([zero, weights - own], 1).logsumexp(1).sum(0)

    count = flat.shape[1]
    size = max(1, AT_ONCE // (rows * len(further)))
    ends = [(first, min(first + size, count)) for first in range(0, count, size)]
    if len(ends) == 1 or not torch.is_grad_enabled():
        return torch.stack([part(*end) for end in ends]).sum(0)
    kept = [checkpoint(part, *end, use_reentrant=False, preserve_rng_state=False) for end in ends]
    return torch.stack(kept).sum(0)
