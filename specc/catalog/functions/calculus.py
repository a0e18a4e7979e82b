"""Functions of functions: derivatives, and solutions of differential equations."""

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


def _rk4_shape(shapes: Shapes) -> Shape:
    """The shape of the state; raises `ShapeMismatch` unless the rate has it."""
    rate, state, duration, _ = shapes
    if rate not in (state, ()):
        problem = f"the rate has the shape {show(rate)}, and the state {show(state)}"
        raise ShapeMismatch(problem)
    if duration:
        raise ShapeMismatch(f"the duration is a number, not {show(duration)}")
    return state


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
        of_function=True,
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
        of_function=True,
        differentiates=True,
    ),
    Function(
        name="rk4",
        summary="The state after a duration, whose rate of change is an expression of the state: "
        "the solution of an ordinary differential equation by steps of one size, by the method of "
        "Runge and Kutta of order 4. It takes the rate, the state, the duration and the steps.",
        formula="rk4(f(v), v, d, n) = v_n, h = d / n\n"
        "v_{i+1} = v_i + h/6 (k_1 + 2 k_2 + 2 k_3 + k_4)\n"
        "k_1 = f(v_i), k_2 = f(v_i + h/2 k_1), k_3 = f(v_i + h/2 k_2), k_4 = f(v_i + h k_3)",
        references=(Reference("Kutta 1901"), Reference("Hairer et al. 1993", "table II.1.2")),
        target="specc.runtime.functions.rk4.rk4",
        arity=(4, 4),
        shape=_rk4_shape,
        support=always(REAL),
        constant=lambda rate, state, duration, steps: None,
        example="rk4(-x, x, 1, 10)",
        elementwise=False,
        event_dims=True,
        rank_of=1,
        sizes=(3,),
        of_function=True,
    ),
)
