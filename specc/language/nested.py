"""Numbers in nested lists, the values of constants and of tables in expressions."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import TypeAliasType

Numbers = TypeAliasType("Numbers", "tuple[int | float | Numbers, ...]")
"""A list of numbers, or of lists of numbers, as tuples."""


def shape(values: object) -> tuple[int, ...] | None:
    """The shape of a number or of nested lists; None for lists of different shapes."""
    if not isinstance(values, tuple):
        return ()
    inner = {shape(value) for value in values}
    first = inner.pop() if len(inner) == 1 else None
    return None if first is None else (len(values), *first)


def numbers(values: object) -> Iterator[float]:
    """Every number in nested lists, in order."""
    if not isinstance(values, tuple):
        assert isinstance(values, (int, float))
        yield float(values)
        return
    for value in values:
        yield from numbers(value)


def rows(values: object, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], object]]:
    """The innermost lists, each with the positions of the lists that contain it."""
    assert isinstance(values, tuple)
    if not isinstance(values[0], tuple):
        yield at, values
        return
    for position, value in enumerate(values):
        yield from rows(value, (*at, position))


def nest(values: tuple[int | float, ...], shape: tuple[int, ...]) -> int | float | Numbers:
    """The numbers in nested lists of the given shape, the last axis running fastest."""
    if not shape:
        return values[0]
    size = len(values) // shape[0]
    parts = (values[size * n : size * (n + 1)] for n in range(shape[0]))
    return tuple(nest(part, shape[1:]) for part in parts)
