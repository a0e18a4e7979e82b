"""Glow: steps of actnorm, an invertible matrix and an affine coupling; multiscale for images."""

from __future__ import annotations

import math
from types import MappingProxyType

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections import actnorm, invertible
from specc.catalog.bijections.blocks.couplings import coupling
from specc.catalog.bijections.blocks.events import halves
from specc.catalog.bijections.blocks.options import Networks
from specc.catalog.bijections.blocks.steps import CLASSES, chain, image_network, step
from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.limits import MAX_SCALES
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.options import Depth, Size
from specc.catalog.links.blocks.spatial import words


class Glow(Networks):
    """The options under `glow:`."""

    steps: Depth = Field(8, description="The number of steps; for an image, at each scale.")
    scales: int = Field(2, ge=1, le=MAX_SCALES, description="The number of scales of an image.")
    channels: Size = Field(64, description="The number of channels of the networks for an image.")


class Options(LinkOptions):
    """`{glow: {steps: 8, hidden: [128, 128]}}`, or `{glow: {scales: 2, channels: 64}}`."""

    glow: Glow = Field(description="The steps and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Layers from the draw to the value; each step is a coupling, a matrix and an actnorm."""
    given = options.glow
    if len(shape) == 3:
        return _image(given, shape, context)
    _refuse(given, {"scales", "channels"}, "a vector", "`hidden`")
    layer = coupling("coupling.AffineCoupling", halves(shape), 0, given, context, each=2)
    return Lowered((_level(layer, given.steps, shape, 0),), shape)


def _image(given: Glow, shape: Shape, context: int) -> Lowered:
    """Levels of squeezed images; the draw is a vector."""
    _refuse(given, {"hidden"}, "an image", "`channels`")
    factor = 2**given.scales
    if shape[1] % factor or shape[2] % factor:
        raise LinkShapeError(
            f"halves the sides of {words(shape)} {given.scales} times, and {factor} divides not"
            " both",
            "use fewer `scales`, or images with sides of that kind",
        )
    levels, (channels, height, width) = [], shape
    for scale in range(given.scales):
        channels, height, width = 4 * channels, height // 2, width // 2
        layer = _coupling(channels, given, context)
        level = _level(layer, given.steps, (channels, height, width), scale * given.steps)
        levels.append(level)
        channels //= 2
    layer = Layer(
        f"{CLASSES}.multiscale.MultiScale",
        options=MappingProxyType({"shape": shape}),
        children=tuple(levels),
    )
    return Lowered((layer,), (math.prod(shape),))


def _coupling(channels: int, given: Glow, context: int) -> Layer:
    """A coupling of an even number of channels."""
    return step(
        "coupling.ImageCoupling",
        channels,
        own=image_network(channels // 2, channels, given.channels, context),
        context=context,
        options={"keeps": "first", "channels": given.channels, "activation": given.activation},
    )


def _level(layer: Layer, steps: int, shape: Shape, seed: int) -> Layer:
    """Steps with this coupling; each matrix has a different seed."""
    made: list[Layer] = []
    for number in range(seed, seed + steps):
        made += [layer, invertible.layer(shape, number), actnorm.layer(shape)]
    return chain(tuple(made))


def _refuse(given: Glow, others: set[str], what: str, instead: str) -> None:
    """Refuses options that do not apply to the value; raises `LinkShapeError`."""
    wrong = sorted(given.model_fields_set & others)
    if wrong:
        raise LinkShapeError(f"maps {what}, for which `{wrong[0]}` means nothing", f"say {instead}")


ENTRY = Bijection(
    name="glow",
    summary="Steps of actnorm, an invertible matrix and an affine coupling; multiscale for images.",
    formula=(
        "each step: x = A(W C(u)), C an affine coupling, W a matrix, A an actnorm\n"
        "log |det dx/du| = the sum of those of all parts"
    ),
    references=(
        Reference(
            "Kingma and Dhariwal (2018), Glow: Generative flow with invertible 1x1 convolutions",
            "section 3, table 1",
        ),
        Reference(
            "Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP",
            "section 3.6, the scales",
        ),
    ),
    example="{glow: {steps: 8, hidden: [128, 128]}}",
    Options=Options,
    lower=lower,
)
