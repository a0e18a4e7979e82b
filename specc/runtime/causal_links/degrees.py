"""The order numbers of entries and the degrees of hidden units, from which masks follow.

An entry of order number o may depend on entries with lower numbers. A hidden unit of degree m is
connected to the entries with o <= m and to the outputs with m < o (Germain et al. 2015, MADE:
Masked autoencoder for distribution estimation, equations 12 and 13, counted from 0).
"""

from __future__ import annotations

import random

import torch
from torch import Tensor


def entry_orders(size: int, orders: int = 1, seed: int = 0) -> Tensor:
    """The order number of each of `size` entries: [size], or [orders, size] for several orders.

    The first order is 0, 1, 2, ...; the others are random permutations from `seed`. Checkpoints do
    not contain them, so they come from `random.random`, whose sequence Python guarantees.
    """
    generator = random.Random(seed)
    numbers = [list(range(size))]
    for _ in range(orders - 1):
        keys = [generator.random() for _ in range(size)]
        numbers.append(sorted(range(size), key=keys.__getitem__))
    return torch.tensor(numbers if orders > 1 else numbers[0])


def hidden_degrees(units: int, size: int, lowest: int = 0) -> Tensor:
    """Degrees from `lowest` to size - 2, distributed evenly over the units of a layer, [units].

    Every layer has units of the lowest degree, so that every unit of the next layer has an input.
    With fewer units than degrees the highest degree is included, so that the last output depends on
    all earlier entries.
    """
    degrees = max(size - 1 - lowest, 1)
    unit = torch.arange(units)
    if units < degrees:
        return lowest + unit * (degrees - 1) // max(units - 1, 1)
    return lowest + unit * degrees // units
