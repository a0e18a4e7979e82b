"""Planar and radial flows: layers with few parameters and without a network."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.options import Plain
from specc.catalog.bijections.blocks.steps import chain, conditional_parameter, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Planar(LinkOptions):
    """`{planar: {layers: 8}}`."""

    planar: Plain = Field(description="The number of layers.")


class Radial(LinkOptions):
    """`{radial: {layers: 8}}`."""

    radial: Plain = Field(description="The number of layers.")


def lower(kind: str, given: Plain, count: int, shape: Shape, context: int) -> Lowered:
    """Layers of a class with `count` parameters each, affine in the context if there is one."""
    own = conditional_parameter(count, context)
    layer = step(kind, vector(shape), own=own, context=context)
    return Lowered((chain((layer,) * given.layers),), shape)


def _planar(options: Planar, shape: Shape, context: int) -> Lowered:
    return lower("planar.Planar", options.planar, 2 * vector(shape) + 1, shape, context)


def _radial(options: Radial, shape: Shape, context: int) -> Lowered:
    return lower("radial.Radial", options.radial, vector(shape) + 2, shape, context)


ENTRIES: tuple[Bijection[Any], ...] = (
    Bijection(
        name="planar",
        summary="Planar flows: nonlinear shifts along learnt directions.",
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
        Options=Planar,
        lower=_planar,
        inverse="a root of one number for each layer",
    ),
    Bijection(
        name="radial",
        summary="Radial flows: contraction towards a learnt center or expansion away from it.",
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
        Options=Radial,
        lower=_radial,
    ),
)
