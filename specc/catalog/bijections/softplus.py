"""The softplus function, onto the positive numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.fixed import elementwise
from specc.catalog.link import LinkOptions
from specc.catalog.supports import POSITIVE


class Options(LinkOptions):
    """`{softplus: true}`, or the word `softplus` alone."""

    softplus: Literal[True] = Field(True, description="`true`, or nothing.")


ENTRY = Bijection(
    name="softplus",
    summary="x = log(1 + exp(u))",
    formula="x_i = log(1 + exp(u_i))\nlog |det dx/du| = -sum_i log(1 + exp(-u_i))",
    references=(),
    example="{softplus: true}",
    Options=Options,
    lower=elementwise("Softplus"),
    range=POSITIVE,
    conditional=False,
)
