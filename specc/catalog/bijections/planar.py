"""Pushes along directions."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.options import Plain
from specc.catalog.bijections.blocks.steps import chain, learnt, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{planar: {layers: 8}}`."""

    planar: Plain = Field(description="How many layers.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Layers one after the other; with a context their parameters are an affine function of it."""
    size = vector(shape)
    own = learnt(2 * size + 1, context)
    layer = step("planar.Planar", size, own=own, context=context)
    return Lowered((chain((layer,) * options.planar.layers),), shape)


ENTRY = Bijection(
    name="planar",
    summary="x = u + v tanh(w . u + b), several times",
    formula=(
        "x = u + v tanh(a), a = w . u + b, w . v > -1\n"
        "log |det dx/du| = log(1 + (1 - tanh(a)^2) w . v)"
    ),
    references=(
        Reference(
            "Rezende and Mohamed (2015), Variational inference with normalizing flows",
            "eq. 10 to 12, appendix A.1",
        ),
    ),
    example="{planar: {layers: 8}}",
    Options=Options,
    lower=lower,
    inverse="a root of one number for each layer",
)
