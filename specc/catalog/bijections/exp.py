"""The exponential function, onto the positive numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.fixed import elementwise
from specc.catalog.link import LinkOptions
from specc.catalog.supports import POSITIVE


class Options(LinkOptions):
    """`{exp: true}`, or the word `exp` alone."""

    exp: Literal[True] = Field(True, description="`true`, or nothing.")


ENTRY = Bijection(
    name="exp",
    summary="x = exp(u)",
    formula="x_i = exp(u_i)\nlog |det dx/du| = sum_i u_i",
    references=(),
    example="{exp: true}",
    Options=Options,
    lower=elementwise("Exp"),
    range=POSITIVE,
    conditional=False,
)
