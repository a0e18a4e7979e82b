"""Functions of the order of the entries of a vector: sums up to each, differences, sorting."""

from __future__ import annotations

from specc.catalog import interval
from specc.catalog.arithmetic import entries, numbers, total
from specc.catalog.entry import Function, Reference, Shape, ShapeMismatch
from specc.catalog.interval import hull
from specc.catalog.rules import Shapes, Supports, integers_if_discrete, power_product, vector
from specc.catalog.supports import (
    NONNEGATIVE,
    OPEN_UNIT_INTERVAL,
    POSITIVE,
    SIMPLEX,
    UNIT_INTERVAL,
    Interval,
    Ordered,
    Simplex,
    Support,
    bounds,
    contains,
)


def _cumsum_support(supports: Supports) -> Support:
    """The vectors that rise, for entries >= 0; sums of entries of a simplex are at most 1."""
    (given,) = supports
    if isinstance(given, Simplex):
        return Ordered(UNIT_INTERVAL, strict=False)
    sums = total(entries(given))
    if contains(NONNEGATIVE, given):
        return Ordered(bounds(sums), strict=contains(POSITIVE, given))
    return sums


def _cumprod_support(supports: Supports) -> Support:
    """The vectors that fall, for entries in [0, 1]; they fall strictly for entries in (0, 1)."""
    (given,) = supports
    inside = power_product(bounds(given))
    if contains(UNIT_INTERVAL, given):
        return Ordered(inside, falling=True, strict=contains(OPEN_UNIT_INTERVAL, given))
    return integers_if_discrete(supports, inside)


def _diff_shape(shapes: Shapes) -> Shape:
    """The shape with one entry less on the last axis; raises `ShapeMismatch` if none is left."""
    shape = vector(shapes)
    if shape[-1] < 2:
        raise ShapeMismatch("it takes differences of neighbours, and the vector has one entry")
    return (*shape[:-1], shape[-1] - 1)


def _diff_support(supports: Supports) -> Support:
    """Positive for vectors that rise; a simplex for those that rise from 0 to 1."""
    (given,) = supports
    inside = bounds(given)
    apart = interval.add(inside, interval.negate(inside))
    if not isinstance(given, Ordered):
        return numbers(apart, given.discrete)
    if given.ends and not given.falling and (inside.low, inside.high) == (0.0, 1.0):
        return SIMPLEX
    steps = Interval(0.0, apart.high, given.strict, apart.high_open)
    return interval.negate(steps) if given.falling else steps


def _sort_support(supports: Supports) -> Support:
    """The vectors that do not fall, with the entries of the argument."""
    return Ordered(hull(bounds(supports[0])), strict=False)


def _of_numbers(x: object) -> None:
    """None: the argument is a vector."""


ENTRIES: tuple[Function, ...] = (
    Function(
        name="cumprod",
        summary="The products of the entries up to each one, along the last axis.",
        formula="cumprod(x)_i = prod_(j <= i) x_j",
        references=(
            Reference(
                "Sethuraman 1994, A constructive definition of Dirichlet priors", "section 2"
            ),
        ),
        target="specc.runtime.functions.cumulative.cumprod",
        arity=(1, 1),
        shape=vector,
        support=_cumprod_support,
        constant=_of_numbers,
        example="cumprod(1 - v)",
        elementwise=False,
    ),
    Function(
        name="cumsum",
        summary="The sums of the entries up to each one, along the last axis.",
        formula="cumsum(x)_i = sum_(j <= i) x_j",
        target="specc.runtime.functions.cumulative.cumsum",
        arity=(1, 1),
        shape=vector,
        support=_cumsum_support,
        constant=_of_numbers,
        example="cumsum(scores)",
        elementwise=False,
        linear=True,
    ),
    Function(
        name="diff",
        summary="The differences of neighbours, along the last axis: one entry less. Those of a "
        "distribution function at cutpoints are the probabilities of the intervals between them.",
        formula="diff(x)_i = x_(i + 1) - x_i",
        references=(
            Reference("McCullagh 1980, Regression models for ordinal data", "section 2.1"),
        ),
        target="specc.runtime.functions.cumulative.diff",
        arity=(1, 1),
        shape=_diff_shape,
        support=_diff_support,
        constant=_of_numbers,
        example="diff(scores)",
        elementwise=False,
        linear=True,
    ),
    Function(
        name="sort",
        summary="The entries from the smallest to the largest, along the last axis.",
        formula="sort(x)_1 <= sort(x)_2 <= ..., the entries of x",
        target="specc.runtime.functions.cumulative.sort",
        arity=(1, 1),
        shape=vector,
        support=_sort_support,
        constant=_of_numbers,
        example="sort(x)",
        elementwise=False,
    ),
)
