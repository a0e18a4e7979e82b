"""The event shapes and supports of results of + - * / ** @ and the unary minus."""

from __future__ import annotations

from msgspec.structs import replace

from specc.catalog import interval
from specc.catalog.entry import Shape, ShapeMismatch
from specc.catalog.supports import Integers, Interval, Ordered, Support, bounds


def broadcast_shape(*shapes: Shape) -> Shape:
    """The shape to which all shapes broadcast, aligned at the right.

    Raises `ShapeMismatch` if two sizes differ and neither is 1.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(_common(column, shapes) for column in zip(*padded, strict=True))


def _common(sizes: tuple[int, ...], shapes: tuple[Shape, ...]) -> int:
    wider = {size for size in sizes if size != 1}
    if len(wider) > 1:
        listed = " and ".join(map(show, dict.fromkeys(shapes)))
        raise ShapeMismatch(f"{listed} do not broadcast")
    return wider.pop() if wider else 1


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape to which two shapes broadcast, as in `broadcast_shape`; None if they do not."""
    if left == right:
        return left
    try:
        return broadcast_shape(left, right)
    except ShapeMismatch:
        return None


def show(shape: Shape) -> str:
    """A shape in messages: `[28, 28]`, or `a number`."""
    return f"[{', '.join(map(str, shape))}]" if shape else "a number"


def matmul_shape(left: Shape, right: Shape) -> Shape:
    """The shape of `left @ right`, each a vector or a matrix (or a stack of matrices).

        [n] @ [n] = a number    [m, n] @ [n] = [m]    [n] @ [n, k] = [k]    [m, n] @ [n, k] = [m, k]

    Raises `ShapeMismatch`.
    """
    if not left or not right:
        raise ShapeMismatch("`@` joins vectors and matrices, and one side is a number")
    inner = right[0] if len(right) == 1 else right[-2]
    if left[-1] != inner:
        raise ShapeMismatch(f"{show(left)} @ {show(right)} would sum over {left[-1]} and {inner}")
    rows = left[-2:-1]
    columns = right[-1:] if len(right) > 1 else ()
    return broadcast_shape(left[:-2], right[:-2]) + rows + columns


def entries(support: Support) -> Interval | Integers:
    """The support of the entries of an event."""
    inside = bounds(support)
    return Integers(inside.low, inside.high) if support.discrete else inside


def negate_support(support: Support) -> Support:
    """The support of `-x`."""
    inside = interval.negate(bounds(support))
    if isinstance(support, Ordered):
        return replace(support, inside=inside, falling=not support.falling)
    return numbers(inside, discrete=support.discrete)


def arithmetic_support(operator: str, left: Support, right: Support) -> Support:
    """The support of `left operator right` for operands that vary independently."""
    a, b = bounds(left), bounds(right)
    discrete = left.discrete and right.discrete
    match operator:
        case "+":
            return numbers(interval.add(a, b), discrete)
        case "-":
            return numbers(interval.add(a, interval.negate(b)), discrete)
        case "*":
            return numbers(interval.multiply(a, b), discrete)
        case "/":
            return numbers(_quotient(a, b), discrete=False)
        case "**":
            return numbers(interval.power(a, b), discrete and b.low >= 0)
        case "@":
            return total(numbers(interval.multiply(a, b), discrete))
    raise AssertionError(operator)


def _quotient(a: Interval, b: Interval) -> Interval:
    return interval.multiply(a, interval.reciprocal(b))


def numbers(inside: Interval, discrete: bool) -> Interval | Integers:
    """The interval as a support; if `discrete`, the integers in it."""
    return Integers(inside.low, inside.high) if discrete else inside


def total(support: Support) -> Support:
    """The support of a sum of one or more numbers, each in `support`."""
    inside = bounds(support)
    bottom = interval.low(inside) if inside.low >= 0 else (-float("inf"), False)
    top = interval.high(inside) if inside.high <= 0 else (float("inf"), False)
    return numbers(interval.between(bottom, top), support.discrete)
