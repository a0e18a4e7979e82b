"""Pulls towards points."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.options import Plain
from specc.catalog.bijections.blocks.steps import chain, learnt, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{radial: {layers: 8}}`."""

    radial: Plain = Field(description="How many layers.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Layers one after the other; with a context their parameters are an affine function of it."""
    size = vector(shape)
    own = learnt(size + 2, context)
    layer = step("radial.Radial", size, own=own, context=context)
    return Lowered((chain((layer,) * options.radial.layers),), shape)


ENTRY = Bijection(
    name="radial",
    summary="x = u + b (u - c) / (a + |u - c|), several times",
    formula=(
        "x = u + q (u - c), q = b / (a + r), r = |u - c|, a > 0, b > -a\n"
        "log |det dx/du| = (n - 1) log(1 + q) + log(1 + q a / (a + r))"
    ),
    references=(
        Reference(
            "Rezende and Mohamed (2015), Variational inference with normalizing flows",
            "eq. 14, appendix A.2",
        ),
    ),
    example="{radial: {layers: 8}}",
    Options=Options,
    lower=lower,
)
