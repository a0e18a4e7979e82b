"""The maps from unconstrained numbers onto each support.

As in torch.distributions there are two maps onto a support. `code` is the one of
`transform_to`: what a learnable parameter computes, and the last layer of a link by `head_onto`.
`bijection` is that of `biject_to`: one to one, with its log-determinant, for densities of the
unconstrained numbers. Inside the range of the floating-point type the two are the same function,
except onto a simplex: softmax is not one to one, so its bijection is stick breaking, from one
number less.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.bijections.blocks.steps import chain, entrywise, step
from specc.catalog.entry import Lowered, Shape
from specc.catalog.supports import (
    CHOLESKY,
    CORR_CHOLESKY,
    POSITIVE_DEFINITE,
    SIMPLEX,
    Interval,
    Ordered,
    Support,
)


class Transform(Struct, frozen=True):
    """The maps onto one support.

    `raw` names the unconstrained numbers (`log_{}` for exp), `code` is the Python expression of
    the map with `{}` for its argument, and `runtime` the module of the function that it calls.
    `inverse` is its inverse for one number, used for `init:`. `bijection` lowers the one-to-one map
    onto events of a shape; the `output` of the result is the shape of the unconstrained numbers.

    If the map is one to one, `log_det` is the function of `specc.runtime.unconstrained` with the
    sum of its log-determinants ("" for the identity), and `unconstrained` the shape of its
    arguments.
    """

    raw: str
    code: str
    inverse: Callable[[float], float]
    bijection: Callable[[Shape], Lowered]
    runtime: str = ""
    log_det: str = ""
    unconstrained: Callable[[Shape], Shape] = lambda shape: shape


def transform_to(support: Support) -> Transform | None:
    """The maps onto `support`; None if there is no smooth map, as for integers."""
    if support == SIMPLEX:
        return SOFTMAX
    if isinstance(support, Ordered):
        return _order(support)
    if support in OF_MATRICES:
        return OF_MATRICES[support][0]
    if not isinstance(support, Interval) or support.low >= support.high:
        return None
    low, high = float(support.low), float(support.high)
    known = {(-math.inf, math.inf): IDENTITY, (0.0, math.inf): EXP, (0.0, 1.0): SIGMOID}
    if (low, high) in known:
        return known[low, high]
    if high == math.inf:
        return _above(low)
    return _below(high) if low == -math.inf else _between(low, high)


def head_onto(support: Support) -> Transform | None:
    """The map of the last layer of a link: that of `transform_to`, with positive numbers that stay.

    Far from the inputs of the training a layer may have any value, and e^x is 0 or inf in float32
    beyond -104 and 89: a scale of 0, whose log-density at its location is not a number.
    """
    found = transform_to(support)
    return POSITIVE_EXP if found is EXP else found


def biject_to(support: Support) -> Transform | None:
    """The one-to-one map onto `support`, for densities of the unconstrained numbers."""
    if support == SIMPLEX:
        return STICK_BREAKING
    if support in OF_MATRICES:
        return OF_MATRICES[support][1]
    return transform_to(support)


def onto_ends(*, low: bool, high: bool) -> Transform:
    """The map onto the numbers between ends that are values, of which one may be missing."""
    if low and high:
        return BETWEEN
    return ABOVE if low else BELOW


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
        log_det="exp_log_det",
    )


def _below(high: float) -> Transform:
    return Transform(
        "{}_free",
        f"{high!r} - {{}}.exp()",
        lambda value: math.log(high - value),
        lambda shape: entrywise("HalfLine", shape, end=high, sign=-1),
        log_det="exp_log_det",
    )


def _between(low: float, high: float) -> Transform:
    return Transform(
        "{}_free",
        f"{low!r} + {high - low!r} * {{}}.sigmoid()",
        lambda value: math.log(value - low) - math.log(high - value),
        lambda shape: entrywise("Between", shape, low=low, high=high),
        log_det="sigmoid_log_det",
    )


def _stick_breaking(shape: Shape) -> Lowered:
    layer = step("simplex.StickBreaking", options={"rank": len(shape)})
    return Lowered((layer,), (*shape[:-1], shape[-1] - 1))


def _order(support: Ordered) -> Transform | None:
    """The map onto increasing vectors: an increasing map of the entries of one of real numbers."""
    inside, entry = support.inside, transform_to(support.inside)
    if support.falling or support.ends or not support.strict or entry is None:
        return None
    if entry is IDENTITY:
        return ORDER
    if inside.low == -math.inf:  # the map of the entries decreases
        return None

    def lowered(shape: Shape) -> Lowered:
        (last,) = entry.bijection(shape).layers
        steps = (step("ordered.Ordered", options={"rank": len(shape)}), last)
        return Lowered((chain(steps),), shape)

    return replace(
        ORDER,
        code=entry.code.format("ordered({})"),
        bijection=lowered,
        log_det=f"ordered_{entry.log_det}",
    )


def _triangle_shape(shape: Shape) -> Shape:
    """The shape of the entries of a triangle with its diagonal."""
    return (*shape[:-2], shape[-1] * (shape[-1] + 1) // 2)


def _strict_shape(shape: Shape) -> Shape:
    """The shape of the entries of a triangle without its diagonal."""
    return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


def _lower_triangle(shape: Shape) -> Lowered:
    layer = step("cholesky.LowerTriangle", options={"rank": len(shape)})
    return Lowered((layer,), _triangle_shape(shape))


def _corr_cholesky(shape: Shape) -> Lowered:
    layer = step("cholesky.CorrCholesky", options={"rank": len(shape)})
    return Lowered((layer,), _strict_shape(shape))


def _positive_definite(shape: Shape) -> Lowered:
    layer = step("cholesky.PositiveDefinite", options={"rank": len(shape)})
    return Lowered((layer,), _triangle_shape(shape))


IDENTITY = Transform("{}", "{}", _identity, lambda shape: entrywise("Identity", shape))
EXP = Transform(
    "log_{}",
    "{}.exp()",
    math.log,
    lambda shape: entrywise("Exp", shape),
    log_det="exp_log_det",
)
POSITIVE_EXP = replace(EXP, code="positive_exp({})", runtime="specc.runtime.number.positive_exp")
SIGMOID = Transform(
    "{}_logit",
    "{}.sigmoid()",
    _logit,
    lambda shape: entrywise("Sigmoid", shape),
    log_det="sigmoid_log_det",
)
SOFTMAX = Transform("{}_logits", "{}.softmax(-1)", math.log, _stick_breaking)
ORDER = Transform(
    "{}_free",
    "ordered({})",
    _identity,
    lambda shape: Lowered((step("ordered.Ordered", options={"rank": len(shape)}),), shape),
    "specc.runtime.unconstrained.ordered",
    "ordered_log_det",
)
_VECTORS = "specc.runtime.functions.vectors"
_UNCONSTRAINED = "specc.runtime.unconstrained"
BETWEEN, ABOVE, BELOW = (
    Transform(
        "{}_free",
        f"{name}({{}}, {ends})",
        lambda value: 0.0,
        lambda shape: entrywise("Identity", shape),
        f"{_UNCONSTRAINED}.{name}",
        log_det,
    )
    for name, ends, log_det in (
        ("onto_interval", "low, high", "onto_interval_log_det"),
        ("onto_above", "low", "exp_log_det"),
        ("onto_below", "high", "exp_log_det"),
    )
)
STICK_BREAKING = Transform(
    "{}_free",
    "stick_breaking({})",
    lambda value: 0.0,
    _stick_breaking,
    f"{_UNCONSTRAINED}.stick_breaking",
    "stick_breaking_log_det",
    lambda shape: (*shape[:-1], shape[-1] - 1),
)


def _factor(name: str, bijection: Callable[[Shape], Lowered]) -> Transform:
    """A map of a square matrix, whose entries above the diagonal have no effect."""
    return Transform("{}_free", f"{name}({{}})", _identity, bijection, f"{_VECTORS}.{name}")


def _one_to_one(
    name: str, bijection: Callable[[Shape], Lowered], unconstrained: Callable[[Shape], Shape]
) -> Transform:
    """A one-to-one map of a vector onto matrices."""
    code, runtime = f"{name}({{}})", f"{_UNCONSTRAINED}.{name}"
    return Transform(
        "{}_free", code, lambda value: 0.0, bijection, runtime, f"{name}_log_det", unconstrained
    )


OF_MATRICES: dict[Support, tuple[Transform, Transform]] = {
    CHOLESKY: (
        _factor("cholesky_factor", _lower_triangle),
        _one_to_one("lower_triangle", _lower_triangle, _triangle_shape),
    ),
    CORR_CHOLESKY: (
        _factor("corr_cholesky_factor", _corr_cholesky),
        _one_to_one("corr_cholesky", _corr_cholesky, _strict_shape),
    ),
    POSITIVE_DEFINITE: (
        _factor("positive_definite_matrix", _positive_definite),
        _one_to_one("positive_definite", _positive_definite, _triangle_shape),
    ),
}
"""The maps onto sets of matrices, each with the one that is one to one."""
