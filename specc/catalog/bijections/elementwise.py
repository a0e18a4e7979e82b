"""Fixed increasing functions, entry by entry."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from specc.catalog.bijection import Bijection, Lower
from specc.catalog.bijections.blocks.steps import entrywise
from specc.catalog.entry import Lowered, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.supports import OPEN_UNIT_INTERVAL, POSITIVE, Interval


class Exp(LinkOptions):
    """`{exp: true}`, or the word `exp` alone."""

    exp: Literal[True] = Field(True, description="`true`, or no value.")


class Sigmoid(LinkOptions):
    """`{sigmoid: true}`, or the word `sigmoid` alone."""

    sigmoid: Literal[True] = Field(True, description="`true`, or no value.")


class Softplus(LinkOptions):
    """`{softplus: true}`, or the word `softplus` alone."""

    softplus: Literal[True] = Field(True, description="`true`, or no value.")


class Tanh(LinkOptions):
    """`{tanh: true}`, or the word `tanh` alone."""

    tanh: Literal[True] = Field(True, description="`true`, or no value.")


def elementwise(kind: str) -> Lower[LinkOptions]:
    """The `lower` of a class of the run time without parameters."""

    def lower(options: LinkOptions, shape: Shape, context: int) -> Lowered:
        del options, context
        return entrywise(kind, shape)

    return lower


ENTRIES: tuple[Bijection[Any], ...] = (
    Bijection(
        name="exp",
        summary="The exponential function, onto the positive numbers.",
        formula="x_i = exp(u_i)\nlog |det dx/du| = sum_i u_i",
        references=(),
        example="{exp: true}",
        Options=Exp,
        lower=elementwise("Exp"),
        range=POSITIVE,
        conditional=False,
        learnt=False,
    ),
    Bijection(
        name="sigmoid",
        summary="The logistic function, onto (0, 1).",
        formula="x_i = 1 / (1 + exp(-u_i))\nlog |det dx/du| = sum_i log(x_i (1 - x_i))",
        references=(),
        example="{sigmoid: true}",
        Options=Sigmoid,
        lower=elementwise("Sigmoid"),
        range=OPEN_UNIT_INTERVAL,
        conditional=False,
        learnt=False,
    ),
    Bijection(
        name="softplus",
        summary="The softplus function, onto the positive numbers.",
        formula="x_i = log(1 + exp(u_i))\nlog |det dx/du| = -sum_i log(1 + exp(-u_i))",
        references=(),
        example="{softplus: true}",
        Options=Softplus,
        lower=elementwise("Softplus"),
        range=POSITIVE,
        conditional=False,
        learnt=False,
    ),
    Bijection(
        name="tanh",
        summary="The hyperbolic tangent, onto (-1, 1).",
        formula="x_i = tanh(u_i)\nlog |det dx/du| = sum_i log(1 - x_i^2)",
        references=(),
        example="{tanh: true}",
        Options=Tanh,
        lower=elementwise("Tanh"),
        range=Interval(-1.0, 1.0, low_open=True, high_open=True),
        conditional=False,
        learnt=False,
    ),
)
