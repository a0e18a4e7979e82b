"""The gradient of a convex network."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.steps import chain, step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Depth, SomeSizes


class Potentials(LinkOptions):
    """The options under `convex_potential:`."""

    layers: Depth = Field(1, description="The number of maps, each with a network of its own.")
    hidden: SomeSizes = Field((64, 64), description="The sizes of each network's hidden layers.")


class Options(LinkOptions):
    """`{convex_potential: {layers: 2, hidden: [64, 64]}}`."""

    convex_potential: Potentials = Field(description="The maps and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """A chain of gradients; the network's parameters are those of the run-time class, in order."""
    size, hidden = vector(shape), options.convex_potential.hidden
    own: dict[str, Shape] = {"log_curvature": (), "log_last": hidden[-1:]}
    for number, units in enumerate(hidden):
        own |= {f"linear.{number}.weight": (units, size), f"linear.{number}.bias": (units,)}
    for number, pair in enumerate(zip(hidden[1:], hidden[:-1], strict=True)):
        own[f"log_hidden.{number}"] = pair
    if context:
        own["context.weight"] = (sum(hidden), context)
    kind = "convex_potential.ConvexPotential"
    layer = step(kind, size, own=own, context=context, options={"hidden": hidden})
    return Lowered((chain((layer,) * options.convex_potential.layers),), shape)


ENTRY = Bijection(
    name="convex_potential",
    summary="The gradient of an input-convex network, for vectors of few entries (CP-Flow).",
    formula=(
        "u = dF/dx, F(x) = c x'x / 2 + w's_L, s_k = softplus(V_k s_(k-1) + W_k x + b_k),"
        " with c, w, V_k > 0\n"
        "log |det du/dx| = log det d2F/dx2"
    ),
    references=(
        Reference(
            "Huang, Chen, Tsirigotis and Courville (2021), Convex potential flows: Universal "
            "probability distributions with optimal transport and convex optimization",
            "sections 3 and 4",
        ),
        Reference("Amos, Xu and Kolter (2017), Input convex neural networks", "equation 2"),
    ),
    example="{convex_potential: {layers: 2, hidden: [64, 64]}}",
    Options=Options,
    lower=lower,
    forward="a convex minimum by Newton's steps",
)
