"""One linear map."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.entry import Lowered, Shape
from specc.catalog.link import Link, always
from specc.catalog.links.blocks.dense import head
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import SpectralOptions


class Options(SpectralOptions):
    """`linear`, or `{linear: true, bias: false}`."""

    linear: Literal[True] | None = Field(True, description="`true`, or no value.")


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """No layers: the heads act on the input."""
    del outputs
    return Lowered((), input, initializer(options.init))


ENTRY = Link(
    name="linear",
    summary="One linear map.",
    formula="y = W x + b",
    references=(),
    example="{linear: true, bias: false}",
    Options=Options,
    trunk=trunk,
    head=head,
    affine=always,
)
