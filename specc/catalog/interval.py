"""Interval arithmetic (Moore 1966): the interval of a result from those of its operands.

Bounds are exact in real arithmetic. Infinite bounds are treated as closed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from specc.catalog.supports import REAL, Integers, Interval, Support, bounds

Bound = tuple[float, bool]
"""A bound, and whether it is open."""


def low(interval: Interval) -> Bound:
    """The lower bound."""
    return interval.low, interval.low_open


def high(interval: Interval) -> Bound:
    """The upper bound."""
    return interval.high, interval.high_open


def between(left: Bound, right: Bound) -> Interval:
    """The interval from one bound to the other; REAL if a bound is nan."""
    if math.isnan(left[0]) or math.isnan(right[0]):
        return REAL
    low_open = left[1] and math.isfinite(left[0])
    high_open = right[1] and math.isfinite(right[0])
    return Interval(left[0] + 0.0, right[0] + 0.0, low_open, high_open)


def least(bounds: Iterable[Bound]) -> Bound:
    """The smallest bound; of equal ones a closed one."""
    return min(bounds, key=lambda bound: (bound[0], bound[1]))


def greatest(bounds: Iterable[Bound]) -> Bound:
    """The largest bound; of equal ones a closed one."""
    return max(bounds, key=lambda bound: (bound[0], not bound[1]))


def hull(*intervals: Interval) -> Interval:
    """The smallest interval that contains all of them."""
    return between(least(map(low, intervals)), greatest(map(high, intervals)))


def hull_of(supports: Sequence[Support]) -> Support:
    """The smallest support that contains all of them: an interval, if they are not equal."""
    if all(s == supports[0] for s in supports):
        return supports[0]
    each = list(map(bounds, supports))
    if all(s.discrete for s in supports):
        return Integers(min(s.low for s in each), max(s.high for s in each))
    return hull(*each)


def negate(a: Interval) -> Interval:
    """-a."""
    return between((-a.high, a.high_open), (-a.low, a.low_open))


def add(a: Interval, b: Interval) -> Interval:
    """The sum a + b."""
    bottom = a.low + b.low, a.low_open or b.low_open
    return between(bottom, (a.high + b.high, a.high_open or b.high_open))


def multiply(a: Interval, b: Interval) -> Interval:
    """The product a * b; its bounds are products of bounds."""
    corners = [_product(x, y) for x in (low(a), high(a)) for y in (low(b), high(b))]
    return between(least(corners), greatest(corners))


def _product(x: Bound, y: Bound) -> Bound:
    if 0.0 in (x[0], y[0]):
        # If a factor attains zero, so does the product, also for an infinite other factor.
        attained = x == (0.0, False) or y == (0.0, False)
        return 0.0, not attained
    return x[0] * y[0], x[1] or y[1]


def reciprocal(a: Interval) -> Interval:
    """1 / a; a bound 0 is treated as open, and the result is REAL if 0 is inside."""
    if a.low < 0.0 < a.high or a.low == a.high == 0.0:
        return REAL
    top = (math.inf, False) if a.low == 0.0 else _inverse(low(a))
    bottom = (-math.inf, False) if a.high == 0.0 else _inverse(high(a))
    return between(bottom, top)


def _inverse(bound: Bound) -> Bound:
    return (0.0, True) if math.isinf(bound[0]) else (1.0 / bound[0], bound[1])


def minimum(a: Interval, b: Interval) -> Interval:
    """min(a, b)."""
    return between(least([low(a), low(b)]), least_high(high(a), high(b)))


def maximum(a: Interval, b: Interval) -> Interval:
    """max(a, b)."""
    return negate(minimum(negate(a), negate(b)))


def least_high(a: Bound, b: Bound) -> Bound:
    """The upper bound of min(a, b): the smaller; of equal ones an open one."""
    return min(a, b, key=lambda bound: (bound[0], not bound[1]))


def absolute(a: Interval) -> Interval:
    """|a|."""
    if a.low >= 0.0:
        return a
    if a.high <= 0.0:
        return negate(a)
    return between((0.0, False), greatest([(-a.low, a.low_open), high(a)]))


def image(function: Callable[[float], float], a: Interval) -> Interval:
    """f(a) for an increasing f that returns its limits at infinite bounds.

    A finite limit at an infinite bound is an open bound. Raises ValueError if `a` is not in the
    domain of f.
    """
    bottom = function(a.low), a.low_open or math.isinf(a.low)
    top = function(a.high), a.high_open or math.isinf(a.high)
    return between(bottom, top)


def power(a: Interval, b: Interval) -> Interval:
    """The power a ** b."""
    if b.low == b.high and float(b.low).is_integer():
        return _whole_power(a, int(b.low))
    if a.low > 0.0 or (a.low == 0.0 and a.low_open):
        return exp(multiply(b, image(_log, a)))
    if a.low == 0.0 and b.low >= 0.0:
        positive = exp(multiply(b, image(_log, between((0.0, True), high(a)))))
        return hull(positive, Interval(0.0, 0.0))
    return REAL


def _whole_power(a: Interval, n: int) -> Interval:
    if n < 0:
        return reciprocal(_whole_power(a, -n))
    if n == 0:
        return Interval(1.0, 1.0)
    base = absolute(a) if n % 2 == 0 else a
    return image(lambda x: _float_power(x, n), base)


def _float_power(x: float, n: int) -> float:
    try:
        return float(x) ** n
    except OverflowError:
        return math.inf if x > 0 or n % 2 == 0 else -math.inf


def _log(x: float) -> float:
    return -math.inf if x == 0.0 else math.log(x)


def exp(a: Interval) -> Interval:
    """e^a."""
    return image(exp_of, a)


def exp_of(x: float) -> float:
    """e^x, with its limits."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
