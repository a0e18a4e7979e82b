"""The hyperbolic tangent, onto (-1, 1)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.fixed import elementwise
from specc.catalog.link import LinkOptions
from specc.catalog.supports import Interval


class Options(LinkOptions):
    """`{tanh: true}`, or the word `tanh` alone."""

    tanh: Literal[True] = Field(True, description="`true`, or nothing.")


ENTRY = Bijection(
    name="tanh",
    summary="x = tanh(u)",
    formula="x_i = tanh(u_i)\nlog |det dx/du| = sum_i log(1 - x_i^2)",
    references=(),
    example="{tanh: true}",
    Options=Options,
    lower=elementwise("Tanh"),
    range=Interval(-1.0, 1.0, low_open=True, high_open=True),
    conditional=False,
)
