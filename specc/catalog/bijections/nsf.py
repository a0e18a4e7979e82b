"""Rational-quadratic splines."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.couplings import autoregressive, coupling, reversing
from specc.catalog.bijections.blocks.events import halves, vector
from specc.catalog.bijections.blocks.options import Layers
from specc.catalog.bijections.blocks.steps import chain
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions

Bins = Annotated[int, Field(ge=2, le=500)]
Bound = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Splines(Layers):
    """The options under `nsf:`."""

    bins: Bins = Field(8, description="The number of bins of a spline.")
    bound: Bound = Field(3.0, description="Outside [-bound, bound] a spline is the identity.")
    autoregressive: bool = Field(
        False, description="Whether layers are autoregressive, instead of couplings of two halves."
    )


class Options(LinkOptions):
    """`{nsf: {layers: 5, hidden: [128, 128], bins: 8, bound: 3}}`."""

    nsf: Splines = Field(description="The splines and their networks.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """Couplings of alternating halves, or autoregressive layers of alternating order."""
    given = options.nsf
    each, numbers = 3 * given.bins - 1, range(given.layers)
    spline = {"bins": given.bins, "bound": given.bound}
    if given.autoregressive:
        size = vector(shape)
        layer = autoregressive(
            "autoregressive.SplineAutoregressive", size, given, context, each, **spline
        )
        return Lowered((chain(reversing([layer] * given.layers)),), shape)
    size = halves(shape)
    made = [
        coupling("coupling.SplineCoupling", size, n, given, context, each, **spline)
        for n in numbers
    ]
    return Lowered((chain(tuple(made)),), shape)


def draw_cost(options: Options) -> str:
    """The cost of a draw: one pass for couplings, one for each entry otherwise."""
    return "one pass for each entry" if options.nsf.autoregressive else ""


ENTRY = Bijection(
    name="nsf",
    summary="Neural spline flows: monotone rational-quadratic splines.",
    formula=(
        "in the bin k of u_i, of width w, height h and slopes d_k, d_(k+1) at its ends:\n"
        "x_i = y_k + h (s t^2 + d_k t (1 - t)) / (s + (d_(k+1) + d_k - 2 s) t (1 - t))\n"
        "with t = (u_i - u_k) / w, s = h / w; outside (-bound, bound) x_i = u_i\n"
        "log |det dx/du| = sum_i log dx_i/du_i"
    ),
    references=(
        Reference(
            "Durkan, Bekasov, Murray and Papamakarios (2019), Neural spline flows",
            "eq. 4 to 8",
        ),
    ),
    example="{nsf: {layers: 5, hidden: [128, 128], bins: 8, bound: 3}}",
    Options=Options,
    lower=lower,
    forward=draw_cost,
)
