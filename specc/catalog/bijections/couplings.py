"""Couplings of the two halves of a vector, by a shift or by a scale and a shift."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import coupling
from specc.catalog.bijections.blocks.events import halves
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Depth


class Few(Layers):
    """The options under `nice:`."""

    layers: Depth = Field(4, description="The number of couplings.")


class Nice(LinkOptions):
    """`{nice: {layers: 4, hidden: [128, 128]}}`."""

    nice: Few = Field(description="The couplings and their networks.")


class RealNvp(LinkOptions):
    """`{realnvp: {layers: 8, hidden: [128, 128]}}`."""

    realnvp: Layers = Field(description="The couplings and their networks.")


def couplings(kind: str, size: int, given: Layers, context: int, each: int) -> tuple[Layer, ...]:
    """Couplings of a class that alternate between the halves."""
    return tuple(coupling(kind, size, n, given, context, each) for n in range(given.layers))


def _nice(options: Nice, shape: Shape, context: int) -> Lowered:
    """A scale first, then the couplings."""
    size = halves(shape)
    scale = step("scale.Scale", size, own={"log_scale": (size,)})
    made = couplings("coupling.AdditiveCoupling", size, options.nice, context, each=1)
    return Lowered((chain((scale, *made)),), shape)


def _realnvp(options: RealNvp, shape: Shape, context: int) -> Lowered:
    made = couplings("coupling.AffineCoupling", halves(shape), options.realnvp, context, each=2)
    return Lowered((chain(made),), shape)


ENTRIES: tuple[Bijection[Any], ...] = (
    Bijection(
        name="nice",
        summary="NICE: additive couplings and a scale.",
        formula=(
            "v = exp(s) u, then in turn x_1 = v_1, x_2 = v_2 + t(v_1), the halves exchanged\n"
            "log |det dx/du| = sum_i s_i"
        ),
        references=(
            Reference(
                "Dinh, Krueger and Bengio (2015), NICE: Non-linear independent components "
                "estimation",
                "sections 3.2 and 3.3",
            ),
        ),
        example="{nice: {layers: 4, hidden: [128, 128]}}",
        Options=Nice,
        lower=_nice,
    ),
    Bijection(
        name="realnvp",
        summary="Real NVP: affine couplings.",
        formula=(
            "in turn x_1 = u_1, x_2 = exp(s(u_1)) u_2 + t(u_1), the halves exchanged\n"
            "log |det dx/du| = sum_i s_i(u_1)"
        ),
        references=(
            Reference(
                "Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP",
                "eq. 4 to 8",
            ),
        ),
        example="{realnvp: {layers: 8, hidden: [128, 128]}}",
        Options=RealNvp,
        lower=_realnvp,
    ),
)
