"""The logistic function, onto (0, 1)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.fixed import elementwise
from specc.catalog.link import LinkOptions
from specc.catalog.supports import OPEN_UNIT_INTERVAL


class Options(LinkOptions):
    """`{sigmoid: true}`, or the word `sigmoid` alone."""

    sigmoid: Literal[True] = Field(True, description="`true`, or nothing.")


ENTRY = Bijection(
    name="sigmoid",
    summary="x = 1 / (1 + exp(-u))",
    formula="x_i = 1 / (1 + exp(-u_i))\nlog |det dx/du| = sum_i log(x_i (1 - x_i))",
    references=(),
    example="{sigmoid: true}",
    Options=Options,
    lower=elementwise("Sigmoid"),
    range=OPEN_UNIT_INTERVAL,
    conditional=False,
)
