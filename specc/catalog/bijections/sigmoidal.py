"""Mixtures of sigmoids: neural autoregressive flows, and the couplings of Flow++."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import autoregressive, coupling, reversing
from specc.catalog.bijections.blocks.events import halves, vector
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.limits import MAX_COMPONENTS
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import Depth

Units = Annotated[int, Field(ge=1, le=MAX_COMPONENTS)]


class Couplings(Layers):
    """The options under `mixture_cdf:`."""

    components: Units = Field(8, description="The number of logistics in each mixture.")


class Flows(Layers):
    """The options under `naf:`."""

    layers: Depth = Field(2, description="The number of layers.")
    units: Units = Field(16, description="The number of sigmoids of each entry.")


class MixtureCdf(LinkOptions):
    """`{mixture_cdf: {layers: 8, hidden: [128, 128], components: 8}}`."""

    mixture_cdf: Couplings = Field(description="The couplings and their networks.")


class Naf(LinkOptions):
    """`{naf: {layers: 2, hidden: [128, 128], units: 16}}`."""

    naf: Flows = Field(description="The layers and their networks.")


def _mixture_cdf(options: MixtureCdf, shape: Shape, context: int) -> Lowered:
    given, size, kind = options.mixture_cdf, halves(shape), "sigmoidal.MixtureCoupling"
    units, each = given.components, 3 * given.components + 2
    numbers = range(given.layers)
    made = [coupling(kind, size, n, given, context, each, units=units) for n in numbers]
    return Lowered((chain(tuple(made)),), shape)


def _naf(options: Naf, shape: Shape, context: int) -> Lowered:
    given, size, kind = options.naf, vector(shape), "sigmoidal.NeuralAutoregressive"
    units, each = given.units, 3 * given.units
    layer = autoregressive(kind, size, given, context, each, units=units)
    return Lowered((chain(reversing([layer] * given.layers)),), shape)


ENTRIES: tuple[Bijection[Any], ...] = (
    Bijection(
        name="mixture_cdf",
        summary="Couplings by the distribution function of a mixture of logistics (Flow++).",
        formula=(
            "u_i = exp(-s_i) (logit(sum_k w_ik sigmoid(a_ik x_i + b_ik)) - t_i) for one half,"
            " with parameters from the other half\n"
            "log |det du/dx| = sum_i log du_i/dx_i"
        ),
        references=(
            Reference(
                "Ho, Chen, Srinivas, Duan and Abbeel (2019), Flow++: Improving flow-based"
                " generative models with variational dequantization and architecture design",
                "section 3.2, eq. 11 to 14",
            ),
        ),
        example="{mixture_cdf: {layers: 8, hidden: [128, 128], components: 8}}",
        Options=MixtureCdf,
        lower=_mixture_cdf,
        forward="a root of one number for each entry",
    ),
    Bijection(
        name="naf",
        summary="Neural autoregressive flows: a mixture of sigmoids of each entry (deep sigmoidal"
        " flows).",
        formula=(
            "u_i = logit(sum_k w_ik sigmoid(a_ik x_i + b_ik)), with w_i, a_i > 0 and b_i from"
            " net_i(x_1, ..., x_(i-1))\n"
            "log |det du/dx| = sum_i log du_i/dx_i"
        ),
        references=(
            Reference(
                "Huang, Krueger, Lacoste and Courville (2018), Neural autoregressive flows",
                "section 3.1, eq. 8",
            ),
        ),
        example="{naf: {layers: 2, hidden: [128, 128], units: 16}}",
        Options=Naf,
        lower=_naf,
        forward="one pass and a root for each entry",
    ),
)
