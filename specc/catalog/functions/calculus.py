"""Functions of functions: derivatives."""

from __future__ import annotations

from specc.catalog.arithmetic import show
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.rules import Shapes, always
from specc.catalog.supports import REAL


def _grad_shape(shapes: Shapes) -> Shape:
    """The shape of the variable; raises `ShapeMismatch` unless the value is a number."""
    value, variable = shapes
    if value:
        problem = f"it takes the derivative of a number, not of {show(value)}; reduce it first"
        raise ShapeMismatch(problem)
    return variable


def _laplacian_shape(shapes: Shapes) -> Shape:
    """A number; raises `ShapeMismatch` unless the value is a number."""
    _grad_shape(shapes)
    return ()


ENTRIES: tuple[Function, ...] = (
    Function(
        name="grad",
        summary="The gradient of a number with respect to a node in it, for each row; it can be "
        "differentiated again.",
        formula="grad(f(v), v) = (df/dv_1, ..., df/dv_n)",
        references=(Reference("Gulrajani et al. 2017", "equation 3"),),
        target="specc.runtime.functions.grad.grad",
        arity=(2, 2),
        shape=_grad_shape,
        support=always(REAL),
        constant=lambda value, variable: 0.0,
        example="grad(sum(square(x)), x)",
        elementwise=False,
        differentiates=True,
    ),
    Function(
        name="laplacian",
        summary="The sum of the second derivatives of a number with respect to the entries of a "
        "node in it, for each row: as many gradients as there are entries.",
        formula="laplacian(f(v), v) = d^2f/dv_1^2 + ... + d^2f/dv_n^2",
        references=(Reference("Hyvarinen 2005", "theorem 1"),),
        target="specc.runtime.functions.laplacian.laplacian",
        arity=(2, 2),
        shape=_laplacian_shape,
        support=always(REAL),
        constant=lambda value, variable: 0.0,
        example="laplacian(sum(square(x)), x)",
        elementwise=False,
        differentiates=True,
    ),
)
