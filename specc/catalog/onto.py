"""The maps from real numbers onto supports, for a value or for pieces of a vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from specc.catalog.bijection import Bijection
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.supports import NAMED, REAL, Interval, Ordered, Pieces, Support, bounds
from specc.catalog.transforms import biject_to

Named = Literal[
    "real", "positive", "unit_interval", "simplex", "ordered", "cholesky", "corr_cholesky"
]
Size = Annotated[int, Field(ge=1, le=10**9)]


class Bounds(BaseModel):
    """The ends of an interval, or of the entries of an increasing vector.

    An end that is left out is infinite.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    low: float | None = Field(None, description="The lower end; none if it is left out.")
    high: float | None = Field(None, description="The upper end; none if it is left out.")
    ordered: bool = Field(False, description="Whether the entries increase.")


class Piece(BaseModel):
    """A piece of a vector: the shape of its values, and the set that they are in."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    shape: tuple[Size, ...] = Field(strict=False, description="The shape of the values.")
    onto: Named | Bounds = Field("real", description="The set of the values.")


Listed = Annotated[tuple[Piece, ...], Field(strict=False, min_length=1)]


class Options(LinkOptions):
    """`{onto: positive}`, `{onto: {low: 0, high: 3}}`, or a list of pieces."""

    onto: Named | Bounds | Listed = Field(
        description="The set of the values, or the pieces of a vector, in order."
    )


def support_of(onto: Named | Bounds) -> Support:
    """The support that an option describes."""
    if not isinstance(onto, Bounds):
        return NAMED[onto]
    low = -math.inf if onto.low is None else onto.low
    high = math.inf if onto.high is None else onto.high
    inside = Interval(low, high, low > -math.inf, high < math.inf)
    return Ordered(inside) if onto.ordered else inside


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


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer, that of the support or one with a child for each piece."""
    del context
    given = options.onto
    if not isinstance(given, tuple):
        return _onto(support_of(given), shape)
    total = sum(math.prod(each.shape) for each in given)
    if shape != (total,):
        raise LinkShapeError(
            f"maps onto {total} numbers in all, and the value has the shape {list(shape)}",
            "give the pieces of the value, in order",
        )
    lowered = [_onto(support_of(each.onto), each.shape) for each in given]
    bases = tuple(each.output for each in lowered)
    layer = Layer(
        "specc.runtime.bijections.onto.Pieces",
        (),
        MappingProxyType({"bases": bases, "shapes": tuple(each.shape for each in given)}),
        children=tuple(layer for each in lowered for layer in each.layers),
    )
    return Lowered((layer,), (sum(map(math.prod, bases)),))


def _onto(support: Support, shape: Sequence[int]) -> Lowered:
    """The map onto a support, for a value of a shape."""
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
        " low) / (1 + exp(-u))\n"
        "simplex: stick breaking, from one number less; ordered: x_1 = u_1, x_k = x_(k-1) + "
        "exp(u_k); cholesky: exp of the diagonal"
    ),
    references=(Reference("Stan Reference Manual", "Constraint transforms"),),
    example="{onto: [{shape: [3]}, {shape: [], onto: positive}]}",
    Options=Options,
    lower=lower,
    range=reached,
    conditional=False,
    learnt=False,
)
