"""The identity matrix."""

from __future__ import annotations

from specc.catalog.entry import Function, Shape
from specc.catalog.limits import MAX_WRITTEN
from specc.catalog.rules import Shapes, always
from specc.catalog.supports import CHOLESKY


def shape(shapes: Shapes) -> Shape:
    """As many rows as columns."""
    ((size,),) = shapes
    return size, size


def constant(size: float) -> tuple[tuple[float, ...], ...] | None:
    """The rows of the matrix, or None where they are too many to write out."""
    if size * size > MAX_WRITTEN:
        return None
    every = range(int(size))
    return tuple(tuple(float(i == j) for j in every) for i in every)


ENTRY = Function(
    name="eye",
    summary="the identity matrix of n rows",
    formula="eye(n)_ij = 1 where i = j, else 0",
    target="torch.eye",
    arity=(1, 1),
    shape=shape,
    support=always(CHOLESKY),
    constant=constant,
    example="eye(3)",
    elementwise=False,
    sizes=(0,),
)
