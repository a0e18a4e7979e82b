"""The maps from unconstrained numbers onto each support.

As in torch.distributions there are two maps onto a support. `code` is the one of
`transform_to`: what the last layer of a link and a learnable parameter compute. `bijection` is that
of `biject_to`: one to one, with its log-determinant, for densities of the unconstrained numbers.
Inside the range of the floating-point type the two are the same function, except onto a simplex:
softmax is not one to one, so its bijection is stick breaking, from one number less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from specc.catalog.bijections.blocks.steps import entrywise, step
from specc.catalog.entry import Lowered, Shape
from specc.catalog.supports import CHOLESKY, SIMPLEX, Interval, Support


@dataclass(frozen=True, slots=True)
class Transform:
    """The maps onto one support.

    `raw` names the unconstrained numbers (`log_{}` for exp), `code` is the Python expression of
    the map with `{}` for its argument, and `runtime` the module of the function that it calls.
    `inverse` is its inverse for one number, used for `init:`. `bijection` lowers the one-to-one map
    onto events of a shape; the `output` of the result is the shape of the unconstrained numbers.
    """

    raw: str
    code: str
    inverse: Callable[[float], float]
    bijection: Callable[[Shape], Lowered]
    runtime: str = ""


def transform_to(support: Support) -> Transform | None:
    """The maps onto `support`; None if there is no smooth map, as for integers."""
    if support == SIMPLEX:
        return SOFTMAX
    if support == CHOLESKY:
        return CHOLESKY_FACTOR
    if not isinstance(support, Interval) or support.low >= support.high:
        return None
    low, high = float(support.low), float(support.high)
    known = {(-math.inf, math.inf): IDENTITY, (0.0, math.inf): EXP, (0.0, 1.0): SIGMOID}
    if (low, high) in known:
        return known[low, high]
    if high == math.inf:
        return _above(low)
    return _below(high) if low == -math.inf else _between(low, high)


def _identity(value: float) -> float:
    return value


def _logit(value: float) -> float:
    return math.log(value) - math.log1p(-value)


def _above(low: float) -> Transform:
    return Transform(
        "{}_free",
        f"{low!r} + {{}}.exp()",
        lambda value: math.log(value - low),
        lambda shape: entrywise("HalfLine", shape, end=low, sign=1),
    )


def _below(high: float) -> Transform:
    return Transform(
        "{}_free",
        f"{high!r} - {{}}.exp()",
        lambda value: math.log(high - value),
        lambda shape: entrywise("HalfLine", shape, end=high, sign=-1),
    )


def _between(low: float, high: float) -> Transform:
    return Transform(
        "{}_free",
        f"{low!r} + {high - low!r} * {{}}.sigmoid()",
        lambda value: math.log(value - low) - math.log(high - value),
        lambda shape: entrywise("Between", shape, low=low, high=high),
    )


def _stick_breaking(shape: Shape) -> Lowered:
    layer = step("simplex.StickBreaking", options={"rank": len(shape)})
    return Lowered((layer,), (*shape[:-1], shape[-1] - 1))


def _lower_triangle(shape: Shape) -> Lowered:
    *outer, _, size = shape
    layer = step("cholesky.LowerTriangle", options={"rank": len(shape)})
    return Lowered((layer,), (*outer, size * (size + 1) // 2))


IDENTITY = Transform("{}", "{}", _identity, lambda shape: entrywise("Identity", shape))
EXP = Transform("log_{}", "{}.exp()", math.log, lambda shape: entrywise("Exp", shape))
SIGMOID = Transform("{}_logit", "{}.sigmoid()", _logit, lambda shape: entrywise("Sigmoid", shape))
SOFTMAX = Transform("{}_logits", "{}.softmax(-1)", math.log, _stick_breaking)
CHOLESKY_FACTOR = Transform(
    "{}_free",
    "cholesky_factor({})",
    _identity,
    _lower_triangle,
    "specc.runtime.functions.vectors.cholesky_factor",
)
