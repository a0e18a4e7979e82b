"""Code with the shape of its event, and operations on events of different rank.

A spec describes one event; tensors have further axes before it. If events of different rank are
combined, the missing axes are inserted directly before the event of lower rank.
"""

from __future__ import annotations

from msgspec import Struct

from specc.catalog.entry import Shape
from specc.codegen.code.expressions import (
    Attribute,
    Binary,
    Code,
    Literal,
    Subscript,
    call,
    function,
    method,
)

VECTOR_MATMUL = function("specc.runtime.functions.vectors.vector_matmul")


class Event(Struct, frozen=True):
    """An expression with the shape of its event.

    `varies` is true if there may be axes before the event.
    """

    code: Code
    shape: Shape
    varies: bool

    @property
    def rank(self) -> int:
        """The number of axes of the event."""
        return len(self.shape)


def align(event: Event, rank: int) -> Event:
    """Return the event with axes of size 1 inserted before it, up to the given rank."""
    if event.rank >= rank or not event.varies:
        return event
    missing = rank - event.rank
    code = event.code
    if event.rank == 0:
        code = with_axes(code, missing)
    else:
        for _ in range(missing):
            code = method(code, "unsqueeze", -event.rank - 1)
    return Event(code, (1,) * missing + event.shape, event.varies)


def pad_right(event: Event, least: int) -> Event:
    """Return the event with axes of size 1 appended, up to the given rank."""
    missing = least - event.rank
    if missing <= 0:
        return event
    return Event(with_axes(event.code, missing), event.shape + (1,) * missing, event.varies)


def with_axes(code: Code, count: int) -> Code:
    """Return the code `x[..., None]`, with `count` axes of size 1 appended."""
    return Subscript(code, (Literal(...), *(Literal(None) for _ in range(count))))


def flat(code: Code, rank: int) -> Code:
    """Return an event of the given rank as a vector: `x.flatten(-2)`."""
    if rank == 1:
        return code
    return method(code, "flatten", -rank) if rank else with_axes(code, 1)


def matmul(left: Event, right: Event) -> Event:
    """Return `left @ right`, where each event is a vector or a matrix."""
    a, b, varies = left.code, right.code, left.varies or right.varies
    product = Binary("@", a, b)
    if left.rank == 1 and right.rank == 1:
        if not right.varies:
            return Event(product, (), varies)
        if not left.varies:
            return Event(Binary("@", b, a), (), varies)
        return Event(method(Binary("*", a, b), "sum", -1), (), varies)
    if left.rank == 1:
        shape = (right.shape[-1],)
        if not right.varies:
            return Event(product, shape, varies)
        if left.varies:
            return Event(call(VECTOR_MATMUL, a, b), shape, varies)
        row = method(a, "unsqueeze", -2)
        return Event(method(Binary("@", row, b), "squeeze", -2), shape, varies)
    if right.rank == 1:
        shape = (left.shape[0],)
        if not left.varies:
            return Event(Binary("@", b, Attribute(a, "mT")), shape, varies)
        column = method(b, "unsqueeze", -1)
        return Event(method(Binary("@", a, column), "squeeze", -1), shape, varies)
    return Event(product, (left.shape[0], right.shape[-1]), varies)


def broadcast(left: Shape, right: Shape) -> Shape:
    """Return the shape of an elementwise operation on events."""
    longest = max(len(left), len(right))
    padded = ((1,) * (longest - len(shape)) + shape for shape in (left, right))
    return tuple(max(a, b) for a, b in zip(*padded, strict=True))
