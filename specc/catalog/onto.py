"""The maps from real numbers onto supports, for a value or for pieces of a vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.steps import step
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.supports import NAMED, REAL, Interval, Ordered, Pieces, Support, bounds
from specc.catalog.transforms import biject_to

Named = Literal[
    "real", "positive", "unit_interval", "simplex", "ordered", "cholesky", "corr_cholesky"
]
Size = Annotated[int, Field(ge=1, le=10**9)]


CONTEXT = "context"
End = float | Literal["context"] | None


class Bounds(BaseModel):
    """The ends of an interval, or of the entries of an increasing vector.

    An end that is left out is infinite, and `context` is a value: `through: f(1 - a)`.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    low: End = Field(None, description="The lower end; none if it is left out.")
    high: End = Field(None, description="The upper end; none if it is left out.")
    ordered: bool = Field(False, description="Whether the entries increase.")

    @model_validator(mode="after")
    def _numbers_of_an_order(self) -> Bounds:
        if self.ordered and self.moving:
            raise ValueError("an increasing vector between numbers, not between ends that move")
        return self

    @property
    def moving(self) -> int:
        """The number of ends that are values of other nodes, `context`."""
        return (self.low == CONTEXT) + (self.high == CONTEXT)


class Piece(BaseModel):
    """A piece of a vector: the shape of its values, and the set that they are in."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    shape: tuple[Size, ...] = Field(strict=False, description="The shape of the values.")
    onto: Named | Bounds = Field("real", description="The set of the values.")


Listed = Annotated[tuple[Piece, ...], Field(strict=False, min_length=1)]


class Options(LinkOptions):
    """`{onto: positive}`, `{onto: {low: 0, high: 3}}`, or a list of pieces.

    `{onto: {low: 0, high: context}}` has an upper end that `through: f(1 - a)` states.
    """

    onto: Named | Bounds | Listed = Field(
        description="The set of the values, or the pieces of a vector, in order."
    )


def support_of(onto: Named | Bounds) -> Support:
    """The support that an option describes; an end that moves may be anywhere."""
    if not isinstance(onto, Bounds):
        return NAMED[onto]
    low = onto.low if isinstance(onto.low, float) else -math.inf
    high = onto.high if isinstance(onto.high, float) else math.inf
    inside = Interval(low, high, low > -math.inf, high < math.inf)
    return Ordered(inside) if onto.ordered else inside


def link_between(low: float | None, high: float | None) -> str:
    """The text of a link onto numbers between ends, of which None moves and infinite ones are none.

    `{onto: {low: 0.0, high: context}}`
    """
    ends = {"low": low, "high": high}
    shown = {key: CONTEXT if end is None else repr(end) for key, end in ends.items()}
    left = (key for key, end in ends.items() if end is None or math.isfinite(end))
    return f"{{onto: {{{', '.join(f'{key}: {shown[key]}' for key in left)}}}}}"


def link_onto(support: Support) -> str:
    """The text of a link that maps real numbers onto a support; empty for all real numbers."""
    if support == REAL:
        return ""
    for name in ("simplex", "ordered", "cholesky", "corr_cholesky"):
        if NAMED[name] == support:
            return f"{{onto: {name}}}"
    inside = bounds(support)
    shown = ((key, value) for key, value in (("low", inside.low), ("high", inside.high)))
    ends = ", ".join(f"{key}: {value!r}" for key, value in shown if math.isfinite(value))
    if isinstance(support, Ordered):
        return f"{{onto: {{{ends}, ordered: true}}}}"
    return _LIKE.get((inside.low, inside.high), f"{{onto: {{{ends}}}}}")


_LIKE = {(0.0, math.inf): "{exp: true}", (0.0, 1.0): "{sigmoid: true}"}
"""The links onto intervals whose ends may be included, as those of nonnegative numbers are."""


def reached(options: Options) -> Support:
    """The range: a support, or those of the pieces."""
    if not isinstance(options.onto, tuple):
        return support_of(options.onto)
    pieces = options.onto
    return Pieces(tuple((math.prod(each.shape), support_of(each.onto)) for each in pieces))


def moving(given: Named | Bounds) -> int:
    """The number of ends of a set that move."""
    return given.moving if isinstance(given, Bounds) else 0


def ends_of(options: Options) -> tuple[int, ...]:
    """The number of ends that move, of each piece of a vector; () for a value without pieces."""
    return tuple(moving(each.onto) for each in _pieces(options))


def takes_ends(options: Options) -> bool:
    """Whether an end moves."""
    given = options.onto
    return any(ends_of(options)) if isinstance(given, tuple) else moving(given) > 0


def _pieces(options: Options) -> tuple[Piece, ...]:
    return options.onto if isinstance(options.onto, tuple) else ()


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer, that of the support or one with a child for each piece."""
    given = options.onto
    if context == 0 and takes_ends(options):
        check_ends(options, shape, ())
    if not isinstance(given, tuple):
        return _onto(given, shape)
    total = sum(math.prod(each.shape) for each in given)
    if shape != (total,):
        raise LinkShapeError(
            f"maps onto {total} numbers in all, and the value has the shape {list(shape)}",
            "give the pieces of the value, in order",
        )
    lowered = [_onto(each.onto, each.shape) for each in given]
    bases = tuple(each.output for each in lowered)
    layer = Layer(
        "specc.runtime.bijections.onto.Pieces",
        (),
        MappingProxyType(
            {"bases": bases, "shapes": tuple(each.shape for each in given), **_ends(options)}
        ),
        children=tuple(layer for each in lowered for layer in each.layers),
    )
    return Lowered((layer,), (sum(map(math.prod, bases)),))


def _between(given: Bounds, shape: Shape) -> Lowered:
    """The map between ends of which the context has those that move."""
    options: dict[str, object] = {"rank": len(shape)}
    kind = "Above" if given.high is None else "Below" if given.low is None else "Between"
    if kind == "Between":
        ends = {"low": given.low, "high": given.high}
        options |= {key: end for key, end in ends.items() if end != CONTEXT}
    return Lowered((step(f"ends.{kind}", options=options),), shape)


def check_ends(options: Options, shape: Shape, given: tuple[Shape, ...]) -> None:
    """Checks that there is an argument for each end that moves, with one number or all of them."""
    whole = () if isinstance(options.onto, tuple) else ((shape, options.onto),)
    pieces = (*whole, *((each.shape, each.onto) for each in _pieces(options)))
    wanted = sum(moving(onto) for _, onto in pieces)
    fix = "give each end that is `context` a value, as in `through: f(1 - a)`"
    if len(given) != wanted:
        ends = "one end that is a value" if wanted == 1 else f"{wanted} ends that are values"
        raise LinkShapeError(f"has {ends}, and is given {len(given)}", fix)
    left = iter(map(math.prod, given))
    for size, onto in pieces:
        sizes = {next(left) for _ in range(moving(onto))}
        if sizes and sizes not in ({1}, {math.prod(size)}):
            shown = " and ".join(map(str, sorted(sizes)))
            numbers = "one number" if math.prod(size) == 1 else f"{math.prod(size)} numbers"
            raise LinkShapeError(
                f"maps onto {numbers} between ends with {shown}",
                "give each end one number, or each end one for each entry",
            )


def _ends(options: Options) -> dict[str, tuple[int, ...]]:
    """The option `ends` of a vector of pieces, if an end moves."""
    ends = ends_of(options)
    return {"ends": ends} if any(ends) else {}


def _onto(given: Named | Bounds, shape: Sequence[int]) -> Lowered:
    """The map onto a support, for a value of a shape."""
    if isinstance(given, Bounds) and moving(given):
        return _between(given, tuple(shape))
    support = support_of(given)
    rank = support.event_rank
    onto = biject_to(support)
    if onto is None:
        raise LinkShapeError("maps onto an interval without a point", "let `low` be below `high`")
    if len(shape) < rank:
        raise LinkShapeError(
            f"maps onto values with {rank} axes, and the value has {len(shape)}",
            "give the value a shape",
        )
    return onto.bijection(tuple(shape))


ENTRY = Bijection(
    name="onto",
    summary="The map from real numbers onto a support, without parameters. Pieces of a vector may "
    "have supports of their own.",
    formula=(
        "positive: x = exp(u); unit_interval: x = 1 / (1 + exp(-u)); low to high: x = low + (high -"
        " low) / (1 + exp(-u)), where an end may be the context\n"
        "simplex: stick breaking, from one number less; ordered: x_1 = u_1, x_k = x_(k-1) + "
        "exp(u_k); cholesky: exp of the diagonal"
    ),
    references=(Reference("Stan Reference Manual", "Constraint transforms"),),
    example="{onto: [{shape: [3]}, {shape: [], onto: positive}]}",
    Options=Options,
    lower=lower,
    range=reached,
    conditional=takes_ends,
    moves=True,
    ends=ends_of,
    check_ends=check_ends,
    learnt=False,
)
