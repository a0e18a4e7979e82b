"""Continuous normalizing flows: the solution of a differential equation."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field

from specc.catalog.bijection import Bijection
from specc.catalog.bijections.blocks.events import vector
from specc.catalog.bijections.blocks.steps import step
from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.limits import MAX_SOLVER_STEPS
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.options import SomeSizes


class Ffjord(LinkOptions):
    """The options under `ffjord:`."""

    hidden: SomeSizes = Field((64, 64, 64), description="The sizes of the network's hidden layers.")
    activation: Literal["silu", "softplus", "tanh"] = Field(
        "tanh", description="The function between two layers."
    )
    steps: int = Field(
        8, ge=1, le=MAX_SOLVER_STEPS, description="The number of Runge-Kutta steps in training."
    )
    fine_steps: int = Field(
        64, ge=1, le=MAX_SOLVER_STEPS, description="The number of steps of metrics and draws."
    )
    trace: Literal["exact", "normal", "rademacher"] = Field(
        "rademacher",
        description="The trace in training: exact, or estimated by a random vector with these"
        " entries. Metrics use the exact one.",
    )


class Options(LinkOptions):
    """`{ffjord: {hidden: [64, 64, 64], steps: 8}}`."""

    ffjord: Ffjord = Field(description="The network of the velocity, and the solver.")


def lower(options: Options, shape: Shape, context: int) -> Lowered:
    """One layer, with the network of its velocity."""
    size, given = vector(shape), options.ffjord
    sizes = [size, *given.hidden, size]
    own: dict[str, Shape] = {}
    for number, (before, after) in enumerate(pairwise(sizes)):
        prefix = f"field.layers.{number}."
        own |= {f"{prefix}linear.weight": (after, before), f"{prefix}linear.bias": (after,)}
        own |= {f"{prefix}gate.weight": (after, 1 + context), f"{prefix}gate.bias": (after,)}
        own |= {f"{prefix}shift.weight": (after, 1 + context)}
    named = {
        "hidden": given.hidden,
        "activation": given.activation,
        "steps": given.steps,
        "trace": given.trace,
        "fine_steps": given.fine_steps,
    }
    layer = step("continuous.ContinuousFlow", size, own=own, context=context, options=named)
    return Lowered((layer,), shape)


def cost(options: Options) -> str:
    """The cost of either direction in training: four evaluations for each step."""
    return f"{4 * options.ffjord.steps:,} passes of its network"


ENTRY = Bijection(
    name="ffjord",
    summary="Continuous normalizing flows: a draw follows a learnt velocity for a unit of time.",
    formula=(
        "x = z(1), dz/dt = f(z, t), z(0) = u\n"
        "log |det dx/du| = the integral of tr(df/dz) over t from 0 to 1"
    ),
    references=(
        Reference(
            "Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential"
            " equations",
            "section 4, theorem 1",
        ),
        Reference(
            "Grathwohl, Chen, Bettencourt, Sutskever and Duvenaud (2019), FFJORD: Free-form"
            " continuous dynamics for scalable reversible generative models",
            "eq. 7 and 8, appendix B.1",
        ),
    ),
    example="{ffjord: {hidden: [64, 64, 64], steps: 8}}",
    Options=Options,
    lower=lower,
    forward=cost,
    inverse=cost,
    stochastic=True,
)
