"""Residual and implicit blocks of networks with a Lipschitz constant less than 1."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Depth, SomeSizes

Activation = Literal["elu", "lipswish", "sin"]
Coefficient = Annotated[float, Field(gt=0, lt=1)]


class Blocks(LinkOptions):
    """The options of a stack of such blocks."""

    layers: Depth = Field(8, description="The number of blocks.")
    hidden: SomeSizes = Field((128, 128), description="The sizes of each network's hidden layers.")
    activation: Activation = Field("sin", description="The function between two layers.")
    coefficient: Coefficient = Field(
        0.99, description="The largest spectral norm of each layer's matrix."
    )


class Implicit(LinkOptions):
    """`{implicit: {layers: 8, hidden: [128, 128]}}`."""

    implicit: Blocks = Field(description="The blocks and their networks.")


class Residual(LinkOptions):
    """`{residual: {layers: 8, hidden: [128, 128]}}`."""

    residual: Blocks = Field(description="The blocks and their networks.")


def _implicit(options: Implicit, shape: Shape, context: int) -> Lowered:
    return blocks("implicit.Implicit", ("g", "h"), options.implicit, shape, context)


def _residual(options: Residual, shape: Shape, context: int) -> Lowered:
    return blocks("residual.InvertibleResidual", ("g",), options.residual, shape, context)


def blocks(
    kind: str, networks: tuple[str, ...], options: Blocks, shape: Shape, context: int
) -> Lowered:
    """A chain of blocks of the class `kind`, each with networks of these names."""
    size = vector(shape)
    own: dict[str, Shape] = {}
    for name in networks:
        own |= _contraction(f"{name}.", size, options, context)
    named = {
        "hidden": options.hidden,
        "activation": options.activation,
        "coefficient": options.coefficient,
    }
    layer = step(kind, size, own=own, context=context, options=named)
    return Lowered((chain((layer,) * options.layers),), shape)


def _contraction(prefix: str, size: int, options: Blocks, context: int) -> dict[str, Shape]:
    """The parameters of a `LipschitzNetwork`."""
    sizes = [size, *options.hidden, size]
    own: dict[str, Shape] = {}
    if options.activation == "lipswish":
        own["beta"] = (len(options.hidden),)
    for number, pair in enumerate(zip(sizes[1:], sizes[:-1], strict=True)):
        own |= {f"linear.{number}.weight": pair, f"linear.{number}.bias": pair[:1]}
    if context:
        own["context.weight"] = (options.hidden[0], context)
    return {prefix + name: shape for name, shape in own.items()}


ENTRIES: tuple[Bijection[Any], ...] = (
    Bijection(
        name="implicit",
        summary="Implicit blocks: a residual block followed by the inverse of another.",
        formula=(
            "u + h(u) = x + g(x), Lip(g) < 1, Lip(h) < 1\n"
            "log |det du/dx| = log det(I + dg/dx) - log det(I + dh/du)"
        ),
        references=(
            Reference(
                "Lu, Chen, Li, Wang and Zhu (2021), Implicit normalizing flows", "eq. 4 to 10"
            ),
        ),
        example="{implicit: {layers: 8, hidden: [128, 128]}}",
        Options=Implicit,
        lower=_implicit,
        forward="a fixed point",
        inverse="a fixed point",
        stochastic=True,
    ),
    Bijection(
        name="residual",
        summary="Invertible residual blocks.",
        formula=(
            "u = x + g(x), Lip(g) < 1\n"
            "log |det du/dx| = log det(I + dg/dx) = sum_k (-1)^(k + 1) tr((dg/dx)^k) / k"
        ),
        references=(
            Reference("Behrmann et al. (2019), Invertible residual networks", "sections 2 and 3"),
            Reference(
                "Chen, Behrmann, Duvenaud and Jacobsen (2019), Residual flows for invertible "
                "generative modeling",
                "eq. 4 to 6",
            ),
            Reference(
                "Delattre et al. (2023), Efficient bound of Lipschitz constant for "
                "convolutional layers by Gram iteration",
                "section 3",
            ),
        ),
        example="{residual: {layers: 8, hidden: [128, 128]}}",
        Options=Residual,
        lower=_residual,
        forward="a fixed point",
        stochastic=True,
    ),
)
