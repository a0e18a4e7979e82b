"""The supports of values, as in torch.distributions.constraints, and their inclusion.

A support describes one event of rank `event_rank`: numbers have rank 0, a simplex rank 1, a
Cholesky factor rank 2.
"""

from __future__ import annotations

import math

from msgspec import Struct


class Interval(Struct, frozen=True):
    """Real numbers between `low` and `high`; an open end is excluded."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    event_rank = 0
    discrete = False


class Integers(Struct, frozen=True):
    """Integers from `low` to `high`, both included."""

    low: float = 0
    high: float = math.inf

    event_rank = 0
    discrete = True


class Simplex(Struct, frozen=True):
    """Vectors of nonnegative numbers that sum to one."""

    event_rank = 1
    discrete = False


class OneHot(Struct, frozen=True):
    """Vectors with a single 1 and zeros elsewhere."""

    event_rank = 1
    discrete = True


class Counts(Struct, frozen=True):
    """Vectors of nonnegative integers (with a known total, for a multinomial)."""

    event_rank = 1
    discrete = True


class CholeskyFactor(Struct, frozen=True):
    """Lower-triangular matrices with a positive diagonal."""

    event_rank = 2
    discrete = False


class CorrCholesky(Struct, frozen=True):
    """Cholesky factors of correlation matrices: every row has the norm 1."""

    event_rank = 2
    discrete = False


class PositiveDefinite(Struct, frozen=True):
    """Symmetric matrices whose eigenvalues are positive, or with `semi` not negative."""

    semi: bool = False

    event_rank = 2
    discrete = False


class PositiveDiagonal(Struct, frozen=True):
    """Diagonal matrices with a positive diagonal: Cholesky factors, and positive definite."""

    event_rank = 2
    discrete = False


Matrix = CholeskyFactor | CorrCholesky | PositiveDefinite | PositiveDiagonal


class Ordered(Struct, frozen=True):
    """Vectors whose entries, in `inside`, rise from one to the next, or fall if `falling`.

    Unless `strict`, neighbours may be equal. With `ends` the vector goes from one bound to the
    other.
    """

    inside: Interval = Interval()
    falling: bool = False
    strict: bool = True
    ends: bool = False

    event_rank = 1
    discrete = False


class Pieces(Struct, frozen=True):
    """Vectors of several pieces: the number of entries of each, and the support of its values."""

    pieces: tuple[tuple[int, Support], ...]

    event_rank = 1
    discrete = False


Support = Interval | Integers | Simplex | OneHot | Counts | Matrix | Ordered | Pieces

REAL = Interval()
POSITIVE = Interval(low=0.0, low_open=True)
NONNEGATIVE = Interval(low=0.0)
UNIT_INTERVAL = Interval(low=0.0, high=1.0)
CORRELATIONS = Interval(low=-1.0, high=1.0)
OPEN_UNIT_INTERVAL = Interval(low=0.0, high=1.0, low_open=True, high_open=True)
BOOLEAN = Integers(0, 1)
NATURAL = Integers(0)
SIMPLEX = Simplex()
ONE_HOT = OneHot()
COUNTS = Counts()
ORDERED = Ordered()
CHOLESKY = CholeskyFactor()
CORR_CHOLESKY = CorrCholesky()
POSITIVE_DEFINITE = PositiveDefinite()
POSITIVE_SEMIDEFINITE = PositiveDefinite(semi=True)
POSITIVE_DIAGONAL = PositiveDiagonal()

# The names of supports of `parameter:` nodes.
NAMED: dict[str, Support] = {
    "real": REAL,
    "positive": POSITIVE,
    "unit_interval": OPEN_UNIT_INTERVAL,
    "simplex": SIMPLEX,
    "ordered": ORDERED,
    "cholesky": CHOLESKY,
    "corr_cholesky": CORR_CHOLESKY,
    "positive_definite": POSITIVE_DEFINITE,
}

# The names of supports for `constrain:` of a data field; the unit interval includes its ends.
OF_DATA: dict[str, Support] = {
    "real": REAL,
    "nonnegative": NONNEGATIVE,
    "positive": POSITIVE,
    "unit_interval": UNIT_INTERVAL,
    "count": NATURAL,
    "simplex": SIMPLEX,
    "cholesky": CHOLESKY,
    "positive_definite": POSITIVE_DEFINITE,
}


def point(value: float) -> Support:
    """The support of one known number."""
    if float(value).is_integer():
        return Integers(value, value)
    return Interval(value, value)


def bounds(support: Support) -> Interval:
    """The smallest interval that contains all entries of events in the support."""
    if isinstance(support, Interval):
        return support
    if isinstance(support, Integers):
        return Interval(support.low, support.high)
    if isinstance(support, (Simplex, OneHot)):
        return UNIT_INTERVAL
    if isinstance(support, Ordered):
        return support.inside
    if isinstance(support, CorrCholesky):
        return CORRELATIONS
    return NONNEGATIVE if isinstance(support, (Counts, PositiveDiagonal)) else REAL


def contains(outer: Support, inner: Support) -> bool:
    """Whether all values of `inner` are in `outer`; for a support of numbers, all entries."""
    if isinstance(outer, Interval):
        return _interval_holds(outer, bounds(inner))
    if isinstance(outer, Integers):
        return _integers_hold(outer, inner)
    if isinstance(outer, Simplex):
        return isinstance(inner, (Simplex, OneHot))
    if isinstance(outer, Counts):
        return isinstance(inner, (Counts, OneHot)) or _integers_hold(NATURAL, inner)
    if isinstance(outer, Ordered):
        return isinstance(inner, Ordered) and _order_holds(outer, inner)
    if isinstance(outer, CholeskyFactor):
        return isinstance(inner, (CholeskyFactor, CorrCholesky, PositiveDiagonal))
    if isinstance(outer, PositiveDefinite):
        strict = inner == POSITIVE_DEFINITE or isinstance(inner, PositiveDiagonal)
        return strict or (outer.semi and inner == POSITIVE_SEMIDEFINITE)
    return outer == inner


def meet(left: Support, right: Support) -> Support | None:
    """The intersection, if one contains the other or both are supports of numbers; else None."""
    if contains(left, right):
        return right
    if contains(right, left):
        return left
    if left.event_rank or right.event_rank:
        return None
    a, b = bounds(left), bounds(right)
    low, low_open = max((a.low, a.low_open), (b.low, b.low_open))
    high, closed = min((a.high, not a.high_open), (b.high, not b.high_open))
    if low > high:
        return None
    if left.discrete or right.discrete:
        return Integers(low, high)
    return Interval(low, high, low_open, not closed)


def _integers_hold(outer: Integers, inner: Support) -> bool:
    if not inner.discrete:
        return False
    inside = bounds(inner)
    return outer.low <= inside.low and inside.high <= outer.high


def _order_holds(outer: Ordered, inner: Ordered) -> bool:
    rises = outer.falling == inner.falling and inner.strict >= outer.strict
    if outer.ends:
        return rises and inner.ends and outer.inside == inner.inside
    return rises and _interval_holds(outer.inside, inner.inside)


def _interval_holds(outer: Interval, inner: Interval) -> bool:
    low = inner.low > outer.low or (
        inner.low == outer.low and (inner.low_open or not outer.low_open)
    )
    high = inner.high < outer.high or (
        inner.high == outer.high and (inner.high_open or not outer.high_open)
    )
    return low and high


def closure(support: Support) -> Support:
    """The closure of a support; its boundary has probability 0 for real numbers."""
    if isinstance(support, Ordered):
        inside = Interval(support.inside.low, support.inside.high)
        return Ordered(inside, support.falling, support.strict, support.ends)
    return Interval(support.low, support.high) if isinstance(support, Interval) else support


def opened(interval: Interval) -> Interval:
    """The interior of an interval."""
    return Interval(interval.low, interval.high, low_open=True, high_open=True)


def describe(support: Support) -> str:
    """The support in messages: `positive numbers`, `0 or 1`."""
    words = {
        REAL: "real numbers",
        POSITIVE: "positive numbers",
        NONNEGATIVE: "numbers >= 0",
        UNIT_INTERVAL: "numbers in [0, 1]",
        OPEN_UNIT_INTERVAL: "numbers in (0, 1)",
        BOOLEAN: "0 or 1",
        NATURAL: "counts 0, 1, 2, ...",
        SIMPLEX: "vectors that sum to one",
        ONE_HOT: "one-hot vectors",
        COUNTS: "vectors of counts",
        CHOLESKY: "Cholesky factors",
        CORR_CHOLESKY: "Cholesky factors of correlation matrices",
        POSITIVE_DEFINITE: "positive definite matrices",
        POSITIVE_SEMIDEFINITE: "positive semidefinite matrices",
        POSITIVE_DIAGONAL: "diagonal matrices with a positive diagonal",
    }
    if isinstance(support, Pieces):
        return "vectors of " + ", ".join(describe(own) for _, own in support.pieces)
    if isinstance(support, Ordered):
        return _describe_order(support)
    return words.get(support) or _describe_bounds(support)


def _describe_order(support: Ordered) -> str:
    words = ("increasing", "decreasing") if support.strict else ("nondecreasing", "nonincreasing")
    found = f"{words[support.falling]} vectors"
    if support.ends:
        ends = sorted((support.inside.low, support.inside.high), reverse=support.falling)
        return f"{found} from {ends[0]:g} to {ends[1]:g}"
    return found if support.inside == REAL else f"{found} of {describe(support.inside)}"


def _describe_bounds(support: Support) -> str:
    if isinstance(support, Integers):
        if support.low == support.high:
            return f"the number {support.low:g}"
        if support.low == -math.inf:
            return "integers" + _below(support.high, is_open=False)
        if support.high == math.inf:
            return f"integers >= {support.low:g}"
        return f"integers {support.low:g} to {support.high:g}"
    inside = bounds(support)
    if inside.low == inside.high:
        return f"the number {inside.low:g}"
    if inside.low == -math.inf:
        return "numbers" + _below(inside.high, inside.high_open)
    if inside.high == math.inf:
        return f"numbers {'>' if inside.low_open else '>='} {inside.low:g}"
    left, right = "(" if inside.low_open else "[", ")" if inside.high_open else "]"
    return f"numbers in {left}{inside.low:g}, {inside.high:g}{right}"


def _below(high: float, is_open: bool) -> str:
    if high == math.inf:
        return ""
    return f" {'<' if is_open else '<='} {high:g}"
