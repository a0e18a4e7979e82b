"""Integrals of e^-h(s) over s > 0, h convex with h(0) = 0, by the rule of Gauss and Legendre.

The rule is applied on (0, end), h(end) = 40 in float64, so that what is left out is below rounding.
Golub and Welsch (1969), Calculation of Gauss quadrature rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

NEWTONS = 4
"""Steps towards the end of an integral."""

Exponent = Callable[[Tensor], Tensor]


def integral(h: Exponent, end: Tensor) -> Tensor:
    """The integral of e^-h(s) over s from 0 to `end` [...]; `h` is given s [..., nodes]."""
    count = 32 if torch.finfo(end.dtype).bits <= 32 else 64
    nodes, weights = (end.new_tensor(numbers) for numbers in rule(count))
    return end * (weights * torch.exp(-h(end.unsqueeze(-1) * nodes))).sum(-1)


def cut(dtype: torch.dtype) -> float:
    """The c for which e^-c is below the rounding of a type."""
    return 20.0 if torch.finfo(dtype).bits <= 32 else 40.0


@torch.no_grad()
def end_of(h: Exponent, slope: Exponent, first: Tensor, second: Tensor, most: Tensor) -> Tensor:
    """A number that is not much larger than the s with h(s) = c, and not larger than `most`.

    `first` and `second` are h'(0) and h''(0): Newton's steps begin at the root of the polynomial
    of the second degree, and from a convex function they go to numbers above its root.
    """
    c = cut(first.dtype)
    s = 2 * c / (first + (first * first + 2 * c * second).sqrt())
    s = torch.minimum(s, most)
    for _ in range(NEWTONS):
        s = torch.minimum(s - (h(s) - c) / slope(s), most)
    return s


def expm1_less(s: Tensor) -> Tensor:
    """e^s - 1 - s, which is s^2 / 2 near 0."""
    near = s.abs() < 0.05
    y = torch.where(near, s, 0.0)
    total = 1 + y / 8
    for k in range(7, 2, -1):
        total = 1 + total * y / k
    return torch.where(near, 0.5 * y * y * total, torch.expm1(s) - s)


@cache
def rule(count: int) -> tuple[list[float], list[float]]:
    """Nodes and weights of the rule on (0, 1), by Newton's method on Legendre's polynomial."""
    nodes, weights = [], []
    for i in range(count):
        x, slope = math.cos(math.pi * (i + 0.75) / (count + 0.5)), 1.0
        for _ in range(8):
            before, value = 1.0, x
            for k in range(2, count + 1):
                before, value = value, ((2 * k - 1) * x * value - (k - 1) * before) / k
            slope = count * (x * value - before) / (x * x - 1)
            x -= value / slope
        nodes.append((1 - x) / 2)
        weights.append(1 / ((1 - x * x) * slope * slope))
    return nodes, weights
