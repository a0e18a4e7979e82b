from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.catalog import interval
from specc.catalog.arithmetic import (
    arithmetic_support,
    broadcast_shape,
    matmul_shape,
    negate_support,
)
from specc.catalog.entry import ShapeMismatch
from specc.catalog.supports import (
    BOOLEAN,
    CHOLESKY,
    COUNTS,
    NATURAL,
    NONNEGATIVE,
    ONE_HOT,
    OPEN_UNIT_INTERVAL,
    POSITIVE,
    REAL,
    SIMPLEX,
    UNIT_INTERVAL,
    Integers,
    Interval,
    bounds,
    describe,
    point,
)
from tests.laws.calling import draw, lies_in

TWO, HALF, MINUS_ONE, ZERO = point(2), point(0.5), point(-1), point(0)

TABLE = [
    (POSITIVE, "+", POSITIVE, POSITIVE),
    (POSITIVE, "+", NONNEGATIVE, POSITIVE),
    (NONNEGATIVE, "+", NONNEGATIVE, NONNEGATIVE),
    (POSITIVE, "+", REAL, REAL),
    (BOOLEAN, "+", BOOLEAN, Integers(0, 2)),
    (NATURAL, "+", point(1), Integers(1)),
    (NATURAL, "+", HALF, Interval(0.5)),
    (point(1), "-", OPEN_UNIT_INTERVAL, OPEN_UNIT_INTERVAL),
    (point(1), "-", BOOLEAN, BOOLEAN),
    (POSITIVE, "-", POSITIVE, REAL),
    (TWO, "*", OPEN_UNIT_INTERVAL, Interval(0.0, 2.0, low_open=True, high_open=True)),
    (POSITIVE, "*", POSITIVE, POSITIVE),
    (POSITIVE, "*", NONNEGATIVE, NONNEGATIVE),
    (NONNEGATIVE, "*", REAL, REAL),
    (UNIT_INTERVAL, "*", UNIT_INTERVAL, UNIT_INTERVAL),
    (OPEN_UNIT_INTERVAL, "*", OPEN_UNIT_INTERVAL, OPEN_UNIT_INTERVAL),
    (MINUS_ONE, "*", POSITIVE, Interval(high=0.0, high_open=True)),
    (ZERO, "*", REAL, Interval(0.0, 0.0)),
    (NATURAL, "*", BOOLEAN, NATURAL),
    (ONE_HOT, "*", TWO, Integers(0, 2)),
    (COUNTS, "*", TWO, NATURAL),
    (SIMPLEX, "*", SIMPLEX, UNIT_INTERVAL),
    (CHOLESKY, "*", POSITIVE, REAL),
    (point(1), "/", POSITIVE, POSITIVE),
    (point(1), "/", NONNEGATIVE, POSITIVE),
    (POSITIVE, "/", POSITIVE, POSITIVE),
    (REAL, "/", POSITIVE, REAL),
    (point(1), "/", REAL, REAL),
    (point(1), "/", ZERO, REAL),
    (point(1), "/", Interval(2.0, 4.0), Interval(0.25, 0.5)),
    (point(1), "/", Interval(-4.0, -2.0), Interval(-0.5, -0.25)),
    (point(1), "/", Interval(low=1.0), Interval(0.0, 1.0, low_open=True)),
    (NATURAL, "/", TWO, NONNEGATIVE),
    (REAL, "**", TWO, NONNEGATIVE),
    (REAL, "**", point(3), REAL),
    (REAL, "**", point(0), Interval(1.0, 1.0)),
    (REAL, "**", HALF, REAL),
    (REAL, "**", point(-2), POSITIVE),
    (NONNEGATIVE, "**", HALF, NONNEGATIVE),
    (POSITIVE, "**", MINUS_ONE, POSITIVE),
    (POSITIVE, "**", REAL, POSITIVE),
    (Integers(-3, 2), "**", TWO, Integers(0, 9)),
    (NATURAL, "**", NATURAL, NATURAL),
    (BOOLEAN, "**", NATURAL, BOOLEAN),
    (NATURAL, "**", MINUS_ONE, POSITIVE),
    (OPEN_UNIT_INTERVAL, "**", POSITIVE, OPEN_UNIT_INTERVAL),
    (TWO, "**", REAL, POSITIVE),
    (TWO, "**", NATURAL, Integers(1)),
    (Interval(10.0, 1e200), "**", point(3), Interval(1000.0)),
    (Interval(-1e200, -10.0), "**", point(3), Interval(high=-1000.0)),
    (POSITIVE, "@", POSITIVE, POSITIVE),
    (REAL, "@", REAL, REAL),
    (BOOLEAN, "@", BOOLEAN, NATURAL),
    (SIMPLEX, "@", NONNEGATIVE, NONNEGATIVE),
    (NONNEGATIVE, "@", Interval(high=0.0), Interval(high=0.0)),
]


@pytest.mark.parametrize(("left", "operator", "right", "wanted"), TABLE)
def test_supports_of_results(left, operator: str, right, wanted):
    assert arithmetic_support(operator, left, right) == wanted


def test_negation():
    assert negate_support(POSITIVE) == Interval(high=0.0, high_open=True)
    assert negate_support(OPEN_UNIT_INTERVAL) == Interval(-1.0, 0.0, True, True)
    assert negate_support(Integers(-1, 4)) == Integers(-4, 1)
    assert describe(negate_support(ZERO)) == "the number 0"
    assert describe(negate_support(point(0.0))) == "the number 0"


EDGES = st.sampled_from([-math.inf, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, math.inf])


@st.composite
def supports(draw_):
    low, high = sorted((draw_(EDGES), draw_(EDGES)))
    if low == high:
        return point(low) if math.isfinite(low) else REAL
    if draw_(st.booleans()) and not {low, high} & {0.5, -0.5}:
        return Integers(low, high)
    return interval.between((low, draw_(st.booleans())), (high, draw_(st.booleans())))


@given(supports(), supports(), st.sampled_from(["+", "-", "*", "/", "**"]), st.integers(0, 99))
def test_results_lie_in_the_support_that_was_inferred(left, right, operator: str, seed: int):
    rng = np.random.default_rng(seed)
    a, b = draw(left, (300,), rng), draw(right, (300,), rng)
    with np.errstate(all="ignore"):
        results = {"+": a + b, "-": a - b, "*": a * b, "/": a / b, "**": a**b}[operator]
    finite = results[np.isfinite(results)]
    assert lies_in(arithmetic_support(operator, left, right), finite)


@given(supports(), supports(), st.integers(1, 4), st.integers(0, 99))
def test_a_matrix_product_lies_in_the_support_that_was_inferred(left, right, size: int, seed: int):
    rng = np.random.default_rng(seed)
    results = draw(left, (50, size), rng) @ draw(right, (size, 50), rng)
    assert lies_in(arithmetic_support("@", left, right), results, slack=1e-6)


@given(supports(), supports())
def test_the_hull_holds_both_and_the_smaller_and_larger_lie_in_it(left, right):
    a, b = bounds(left), bounds(right)
    whole = interval.hull(a, b)
    for part in (a, b, interval.minimum(a, b), interval.maximum(a, b)):
        assert whole.low <= part.low <= part.high <= whole.high
    assert interval.negate(interval.negate(a)) == a


SIZES = st.integers(1, 3)
SHAPES = st.lists(SIZES, max_size=3).map(tuple)


@given(SHAPES, SHAPES)
def test_shapes_broadcast_as_in_numpy(left, right):
    try:
        wanted = np.broadcast_shapes(left, right)
    except ValueError:
        with pytest.raises(ShapeMismatch, match="do not broadcast"):
            broadcast_shape(left, right)
    else:
        assert broadcast_shape(left, right) == wanted


@given(SHAPES, SHAPES)
def test_products_have_the_shape_of_numpy(left, right):
    try:
        wanted = np.matmul(np.zeros(left), np.zeros(right)).shape
    except ValueError:
        with pytest.raises(ShapeMismatch):
            matmul_shape(left, right)
    else:
        assert matmul_shape(left, right) == wanted


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [((), (3,), "a number"), ((2, 3), (2,), r"\[2, 3\] @ \[2\] would sum over 3 and 2")],
)
def test_a_product_that_does_not_fit_says_why(left, right, words: str):
    with pytest.raises(ShapeMismatch, match=words):
        matmul_shape(left, right)


def test_an_operator_that_there_is_not():
    with pytest.raises(AssertionError, match="%"):
        arithmetic_support("%", REAL, REAL)


def test_bounds_that_are_no_numbers_and_exponentials_beyond_float():
    assert interval.between((math.nan, False), (1.0, False)) == REAL
    assert interval.exp(Interval(0.0, 1e6)) == Interval(1.0, math.inf)
