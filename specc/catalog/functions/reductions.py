"""Functions of all entries of an event that return one number."""

from __future__ import annotations

import math

from specc.catalog import interval
from specc.catalog.arithmetic import show, total
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.rules import (
    Shapes,
    Supports,
    always,
    constant,
    integers_if_discrete,
    number,
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
    return integers_if_discrete(supports, _prod_product(bounds(supports[0])))


def _prod_product(factor: Interval) -> Interval:
    low = factor.low
    if low < 0.0:
        return Interval(-1.0, 1.0) if low >= -1.0 and factor.high <= 1.0 else Interval()
    bottom = low if low >= 1.0 else 0.0
    # An open bound of the factors is open for products; products only approach a bound below 1.
    bottom_open = factor.low_open if low in (0.0, bottom) else True
    if factor.high > 1.0:
        return Interval(bottom, math.inf, low_open=bottom_open)
    return Interval(bottom, factor.high, bottom_open, factor.high_open)


def _sum_support(supports: Supports) -> Support:
    """The support of the sum; an event can consist of several one-hot vectors or simplices."""
    (given,) = supports
    if isinstance(given, OneHot):
        return Integers(1)
    return POSITIVE if isinstance(given, Simplex) else total(given)


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
        summary="The log of a sum of exponentials over all entries, without overflow.",
        formula="logsumexp(x) = log sum_i exp(x_i)",
        references=(
            Reference(
                "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax "
                "functions, 2021"
            ),
        ),
        target="specc.runtime.functions.reductions.logsumexp",
        arity=(1, 1),
        shape=number,
        support=_logsumexp_support,
        constant=constant(lambda x: x),
        example="logsumexp(logits)",
        elementwise=False,
        event_dims=True,
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
    ),
)
