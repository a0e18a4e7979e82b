"""Affine autoregressive maps: conditioned on earlier entries of the value or of the draw."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import autoregressive, reversing
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions


class Iaf(LinkOptions):
    """`{iaf: {layers: 5, hidden: [128, 128]}}`."""

    iaf: Layers = Field(description="The layers and their networks.")


class Maf(LinkOptions):
    """`{maf: {layers: 5, hidden: [128, 128]}}`."""

    maf: Layers = Field(description="The layers and their networks.")


def lower(kind: str, given: Layers, shape: Shape, context: int) -> Lowered:
    """Layers of a class, with the order of the entries reversed between two layers."""
    layer = autoregressive(kind, vector(shape), given, context, each=2)
    return Lowered((chain(reversing([layer] * given.layers)),), shape)


def _iaf(options: Iaf, shape: Shape, context: int) -> Lowered:
    return lower("autoregressive.InverseAutoregressive", options.iaf, shape, context)


def _maf(options: Maf, shape: Shape, context: int) -> Lowered:
    return lower("autoregressive.AffineAutoregressive", options.maf, shape, context)


ENTRIES: tuple[Bijection[Any], ...] = (
    Bijection(
        name="iaf",
        summary="An affine map of each entry, conditioned on earlier entries of the draw.",
        formula=(
            "x_i = exp(-a_i) (u_i - b_i), (a_i, b_i) = net_i(u_1, ..., u_(i-1))\n"
            "log |det dx/du| = -sum_i a_i"
        ),
        references=(
            Reference(
                "Kingma et al. (2016), Improving variational inference with inverse"
                " autoregressive flow",
                "section 3",
            ),
        ),
        example="{iaf: {layers: 5, hidden: [128, 128]}}",
        Options=Iaf,
        lower=_iaf,
        inverse="one pass for each entry",
    ),
    Bijection(
        name="maf",
        summary="An affine map of each entry, conditioned on earlier entries of the value.",
        formula=(
            "x_i = exp(a_i) u_i + b_i, (a_i, b_i) = net_i(x_1, ..., x_(i-1))\n"
            "log |det dx/du| = sum_i a_i"
        ),
        references=(
            Reference(
                "Papamakarios, Pavlakou and Murray (2017), Masked autoregressive flow for density"
                " estimation",
                "eq. 3 to 5",
            ),
        ),
        example="{maf: {layers: 5, hidden: [128, 128]}}",
        Options=Maf,
        lower=_maf,
        forward="one pass for each entry",
    ),
)
