"""A scale and a shift for each entry."""

from __future__ import annotations

import math
from types import MappingProxyType

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Options(LinkOptions):
    """`{affine: true}`, or the word `affine` alone."""

    affine: bool = Field(True, description="A scale and a shift for each entry.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer; with a context the scale and the shift are linear in it."""
    del options
    own: dict[str, Shape] = {"log_scale": shape, "shift": shape}
    if context:
        size = 2 * math.prod(shape)
        own |= {"linear.weight": (size, context), "linear.bias": (size,)}
    layer = Layer(
        "specc.runtime.bijections.affine.Affine",
        (shape,),
        MappingProxyType({"context": context} if context else {}),
        own=MappingProxyType(own),
    )
    return Lowered((layer,), shape)


ENTRY = Bijection(
    name="affine",
    summary="A scale and a shift for each entry.",
    formula="x_i = exp(a_i) u_i + b_i\nlog |det dx/du| = sum_i a_i",
    references=(
        Reference("Kingma and Dhariwal (2018), Glow", "table 1, the scale and bias of actnorm"),
    ),
    example="{affine: true}",
    Options=Options,
    lower=lower,
)
