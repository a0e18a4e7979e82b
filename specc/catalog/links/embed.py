"""A learnt vector for each class."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link, LinkOptions, always
from specc.catalog.links.blocks.dense import shaped


class Options(LinkOptions):
    """`embed`, or `{embed: true}`."""

    embed: Literal[True] | None = Field(True, description="`true`, or no value.")


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """No layers: each result has a table of its own."""
    del options, outputs
    return Lowered((), input)


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """The table, with a row for each class."""
    del options
    (classes,) = features
    size = math.prod(output)
    own = MappingProxyType({"weight": (classes, size)})
    table = Layer("specc.runtime.links.embed.Embed", (classes, size), own=own)
    return Lowered((table, *shaped(output)), output)


ENTRY = Link(
    name="embed",
    summary="A learnt vector for each class, of an index or of a one-hot vector.",
    formula="y = W_k for class k, W of as many rows as there are classes",
    references=(
        Reference(
            "Bengio, Ducharme, Vincent and Jauvin (2003), A neural probabilistic language model",
            "section 2, the matrix C",
        ),
    ),
    example="{embed: true}",
    Options=Options,
    trunk=trunk,
    head=head,
    affine=always,
)
