"""Functions of all entries of an event that return one number."""

from __future__ import annotations

import math
from collections.abc import Callable

from specc.catalog import interval
from specc.catalog.arithmetic import entries, show, total
from specc.catalog.entry import Function, Reduction, Reference, Shape, ShapeMismatch
from specc.catalog.rules import (
    Shapes,
    Supports,
    always,
    constant,
    integers_if_discrete,
    number,
    power_product,
    same,
)
from specc.catalog.supports import (
    NATURAL,
    NONNEGATIVE,
    POSITIVE,
    Integers,
    Interval,
    OneHot,
    Simplex,
    Support,
    bounds,
)


def _logsumexp_support(supports: Supports) -> Support:
    """The support of log sum exp, which is at least the largest entry."""
    entry = bounds(supports[0])
    return Interval(entry.low, math.inf, low_open=entry.low_open)


def _logsumexp_shape(shapes: Shapes) -> Shape:
    """The axes that stay; raises `ShapeMismatch` if there are fewer than are summed over."""
    shape, *rest = shapes
    if not rest:
        return ()
    ((axes,),) = rest
    if axes > len(shape):
        raise ShapeMismatch(f"it sums over {axes} axes, and is given {show(shape)}")
    return shape[: len(shape) - axes]


def _mean_support(supports: Supports) -> Support:
    """The support of the mean: between the bounds of the entries, and real."""
    return bounds(supports[0])


def _norm_support(supports: Supports) -> Support:
    """The support of the norm, which is at least the smallest absolute value."""
    return total(interval.absolute(bounds(supports[0])))


def _pair_of_events(shapes: Shapes) -> Shape:
    """The shape of a number; raises `ShapeMismatch` unless both events have the same shape."""
    left, right = shapes
    if left != right:
        problem = f"it takes two events of one shape, not {show(left)} and {show(right)}"
        raise ShapeMismatch(problem)
    return ()


def _prod_support(supports: Supports) -> Support:
    """The support of a product: positive, >= 1, in [0, 1] or in [-1, 1] if all factors are."""
    return integers_if_discrete(supports, power_product(bounds(supports[0])))


def _sum_support(supports: Supports) -> Support:
    """The support of the sum; an event can consist of several one-hot vectors or simplices."""
    (given,) = supports
    if isinstance(given, OneHot):
        return Integers(1)
    return POSITIVE if isinstance(given, Simplex) else total(given)


def _over_plate(method: str, support: Callable[[Support], Support]) -> Reduction:
    """The reduction over a plate by a method of tensors, without the padding of shorter rows."""
    name = method.removeprefix("a")
    return Reduction(f"specc.runtime.functions.plates.{name}_over_plate", support, method)


ENTRIES: tuple[Function, ...] = (
    Function(
        name="argmax",
        summary="The number of the largest entry of an event, from 0; of several the first.",
        formula="argmax(x) = the least i with x_i = max_j x_j, the last axis running fastest",
        target="specc.runtime.functions.reductions.argmax",
        arity=(1, 1),
        shape=number,
        support=always(NATURAL),
        constant=constant(lambda x: 0.0),
        example="argmax(scores)",
        elementwise=False,
        indexes=True,
        event_dims=True,
    ),
    Function(
        name="argmin",
        summary="The number of the smallest entry of an event, from 0; of several the first.",
        formula="argmin(x) = the least i with x_i = min_j x_j, the last axis running fastest",
        target="specc.runtime.functions.reductions.argmin",
        arity=(1, 1),
        shape=number,
        support=always(NATURAL),
        constant=constant(lambda x: 0.0),
        example="argmin(scores)",
        elementwise=False,
        indexes=True,
        event_dims=True,
    ),
    Function(
        name="logsumexp",
        summary="The log of a sum of exponentials over all entries, or those of the last k axes.",
        formula="logsumexp(x) = log sum_i exp(x_i), logsumexp(x, 1)_i = log sum_j exp(x_ij)",
        references=(
            Reference(
                "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax "
                "functions, 2021"
            ),
        ),
        target="specc.runtime.functions.reductions.logsumexp",
        arity=(1, 2),
        shape=_logsumexp_shape,
        support=_logsumexp_support,
        constant=constant(lambda x, axes=0: x),
        example="logsumexp(logits)",
        elementwise=False,
        event_dims=True,
        sizes=(1,),
    ),
    Function(
        name="max",
        summary="The largest entry of an event.",
        formula="max(x) = max_i x_i",
        target="torch.Tensor.amax",
        arity=(1, 1),
        shape=number,
        support=same,
        constant=constant(lambda x: x),
        example="max(x)",
        elementwise=False,
        over_plate=_over_plate("amax", entries),
    ),
    Function(
        name="mean",
        summary="The mean of all entries of an event.",
        formula="mean(x) = 1/n sum_i x_i",
        target="specc.runtime.functions.reductions.mean",
        arity=(1, 1),
        shape=number,
        support=_mean_support,
        constant=constant(lambda x: x),
        example="mean(x)",
        elementwise=False,
        linear=True,
        event_dims=True,
        over_plate=_over_plate("mean", bounds),
    ),
    Function(
        name="min",
        summary="The smallest entry of an event.",
        formula="min(x) = min_i x_i",
        target="torch.Tensor.amin",
        arity=(1, 1),
        shape=number,
        support=same,
        constant=constant(lambda x: x),
        example="min(x)",
        elementwise=False,
        over_plate=_over_plate("amin", entries),
    ),
    Function(
        name="mse",
        summary="The mean squared difference of two events of one shape.",
        formula="mse(x, y) = 1/n sum_i (x_i - y_i)^2",
        target="specc.runtime.functions.reductions.mse",
        arity=(2, 2),
        shape=_pair_of_events,
        support=always(NONNEGATIVE),
        constant=constant(lambda x, y: (x - y) ** 2),
        example="mse(scores, x)",
        elementwise=False,
        event_dims=True,
    ),
    Function(
        name="norm",
        summary="The Euclidean norm of an event.",
        formula="norm(x) = sqrt(sum_i x_i^2)",
        target="specc.runtime.functions.reductions.norm",
        arity=(1, 1),
        shape=number,
        support=_norm_support,
        constant=constant(abs),
        example="norm(x - y)",
        elementwise=False,
        event_dims=True,
    ),
    Function(
        name="prod",
        summary="The product of all entries of an event.",
        formula="prod(x) = prod_i x_i",
        target="specc.runtime.functions.reductions.prod",
        arity=(1, 1),
        shape=number,
        support=_prod_support,
        constant=constant(lambda x: x),
        example="prod(x)",
        elementwise=False,
        event_dims=True,
    ),
    Function(
        name="sum",
        summary="The sum of all entries of an event.",
        formula="sum(x) = sum_i x_i",
        target="torch.Tensor.sum",
        arity=(1, 1),
        shape=number,
        support=_sum_support,
        constant=constant(lambda x: x),
        example="sum(u * v)",
        elementwise=False,
        linear=True,
        over_plate=_over_plate("sum", total),
    ),
)
