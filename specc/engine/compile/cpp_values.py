"""Tensors in C++ code: an expression for each entry, by its indices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

Index = int | str
"""A number, or a C++ expression of one."""

Indices = tuple[Index, ...]
Shape = tuple[int, ...]
Axes = Sequence[int] | int | None


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor in the code.

    - `at`: the expression of an entry.
    - `is_truth`: whether the entries are truth values.
    - `flat`: the expression of an entry by its place in row-major order, for an array.
    - `known`: the tensor itself, if it depends on the data alone.
    """

    shape: Shape
    at: Callable[[Indices], str]
    is_truth: bool = False
    flat: Callable[[Index], str] | None = None
    known: Tensor | None = None

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)


Argument = Value | Tensor | float
"""An argument of an operation; a tensor depends on the data alone."""


def plus(a: Index, b: Index) -> Index:
    """The sum of two indices."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if a == 0 or b == 0:
        return b if a == 0 else a
    return f"({a} + {b})"


def times(a: Index, count: int) -> Index:
    """The multiple of an index."""
    if isinstance(a, int) or count == 1:
        return a * count if isinstance(a, int) else a
    return f"{a} * {count}"


def place(indices: Sequence[Index], shape: Sequence[int]) -> Index:
    """The place of an entry in row-major order."""
    found: Index = 0
    for index, size in zip(indices, shape, strict=True):
        found = plus(times(found, size), index if size > 1 else 0)
    return found


def array(name: str, shape: Shape, *, is_truth: bool = False) -> Value:
    """An array of the code by its name."""

    def flat(at: Index) -> str:
        return f"{name}[{at}]"

    return Value(shape, lambda indices: flat(place(indices, shape)), is_truth, flat)


def scalar(name: str, shape: Shape, *, is_truth: bool = False) -> Value:
    """A variable of the code as a tensor of one entry."""
    return Value(shape, lambda _: name, is_truth, lambda _: name)


def literal(number: float | bool) -> str:
    """A number in all lanes."""
    if isinstance(number, bool):
        return f"T({str(number).lower()})"
    if math.isnan(number):
        return "K(NAN)"
    if math.isinf(number):
        return f"K({'-' if number < 0 else ''}INFINITY)"
    return f"K({float(number)!r})"


def broadcast(value: Value, shape: Shape) -> Callable[[Indices], str]:
    """The entries of a value in a shape to which it broadcasts."""
    lead = len(shape) - len(value.shape)

    def at(indices: Indices) -> str:
        own = zip(indices[lead:], value.shape, strict=True)
        return value.at(tuple(index if size > 1 else 0 for index, size in own))

    return at
