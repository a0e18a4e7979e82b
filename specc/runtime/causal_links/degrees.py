"""The numbers that masks compare: the order of the entries, and the degrees of hidden units.

An entry of order number o may depend on the entries of lower numbers. A hidden unit of degree m
sees the entries with o <= m, and is seen by the outputs with m < o (Germain et al. 2015, MADE:
Masked autoencoder for distribution estimation, equations 12 and 13, counted from 0).
"""

from __future__ import annotations

import random

import torch
from torch import Tensor


def entry_orders(size: int, orders: int = 1, seed: int = 0) -> Tensor:
    """The order number of each of `size` entries: [size], or [orders, size] where there are more.

    The first order is 0, 1, 2, ...; the others are random permutations, decided by `seed`. They
    stand in no checkpoint, so they come from `random.random`, which Python promises to keep.
    """
    generator = random.Random(seed)
    numbers = [list(range(size))]
    for _ in range(orders - 1):
        keys = [generator.random() for _ in range(size)]
        numbers.append(sorted(range(size), key=keys.__getitem__))
    return torch.tensor(numbers if orders > 1 else numbers[0])


def hidden_degrees(units: int, size: int, lowest: int = 0) -> Tensor:
    """Degrees from `lowest` to size - 2, spread evenly over the units of a layer: [units].

    Every layer has units of the lowest degree, so that no unit of the next layer is without input.
    With fewer units than degrees the highest is there too: then the last output sees everything.
    """
    degrees = max(size - 1 - lowest, 1)
    unit = torch.arange(units)
    if units < degrees:
        return lowest + unit * (degrees - 1) // max(units - 1, 1)
    return lowest + unit * degrees // units
