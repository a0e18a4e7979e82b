"""Sums over all states of finite units: log Z of an energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from specc.runtime.control_flow import data_dependent

AT_ONCE = 1 << 14
"""The most states, times rows, that are held at once."""

Values = tuple[Tensor, Sequence[int]]
"""The values of one entry of a unit, [n, *event], and the shape of its entries."""


def log_sum_exp(
    log_weight: Callable[..., Tensor], *units: Values, rows: int | None = None
) -> Tensor:
    """log of the sum of exp(log_weight) over all states of some units.

    The states are summed in parts. The gradient computes each part again, so that the memory is
    that of one part.

    Args:
        log_weight: A function of a value of each unit, [states, *shape, *event], that returns
            [states]. With rows the values are [states, 1, *shape, *event], and the result is
            [states, rows].
        units: For each unit the n values of one entry, and the shape of its entries.
        rows: The number of rows, each of which has a sum of its own.

    Returns:
        A number, or [rows].

    """
    # A list, as torch's compiler does not follow a generator into `math.prod`.
    count = math.prod([len(values) ** math.prod(shape) for values, shape in units])
    size = max(1, AT_ONCE // (rows or 1))

    def part(first: int, last: int) -> Tensor:
        found = log_weight(*_states(units, first, last, () if rows is None else (1,)))
        return found.logsumexp(0)

    if count <= size:
        return part(0, count)
    data_dependent("the states are summed in parts, and a graph of all of them would be long")
    ends = [(first, min(first + size, count)) for first in range(0, count, size)]
    if torch.is_grad_enabled():
        return torch.stack(
            [checkpoint(part, *end, use_reentrant=False, preserve_rng_state=False) for end in ends]
        ).logsumexp(0)
    return torch.stack([part(*end) for end in ends]).logsumexp(0)


def _states(units: Sequence[Values], first: int, last: int, ones: tuple[int, ...]) -> list[Tensor]:
    """The states with the numbers from `first` to `last`, the digits of which are the entries."""
    rest = torch.arange(first, last, device=units[0][0].device)
    found = []
    for values, shape in units:
        digits = []
        for _ in range(math.prod(shape)):
            digits.append(rest % len(values))
            rest = rest.div(len(values), rounding_mode="floor")
        index = torch.stack(digits, 1)
        found.append(values[index].view(len(index), *ones, *shape, *values.shape[1:]))
    return found
