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
    - `memory`: the array of numbers whose entries these are, and the stride of each axis.
    """

    shape: Shape
    at: Callable[[Indices], str]
    is_truth: bool = False
    flat: Callable[[Index], str] | None = None
    known: Tensor | None = None
    memory: tuple[str, Shape] | None = None

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


def strides(shape: Shape) -> Shape:
    """The distance of neighbours along each axis in row-major order."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def array(name: str, shape: Shape, *, is_truth: bool = False) -> Value:
    """An array of the code by its name."""

    def flat(at: Index) -> str:
        return f"{name}[{at}]"

    def at(indices: Indices) -> str:
        return flat(place(indices, shape))

    memory = None if is_truth else (name, strides(shape))
    return Value(shape, at, is_truth, flat, memory=memory)


def reshaped(value: Value, shape: Shape) -> Value:
    """An array in another shape."""
    flat = value.flat
    assert flat is not None
    memory = value.memory and (value.memory[0], strides(shape))
    return Value(shape, lambda own: flat(place(own, shape)), value.is_truth, flat, memory=memory)


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
