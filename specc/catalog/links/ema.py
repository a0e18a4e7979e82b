"""The moving average of the weights of another link."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import Average, Link, LinkOptions


class AverageOptions(LinkOptions):
    """`{of: classifier, decay: 0.99}`."""

    of: str = Field(description="The link whose weights are averaged.")
    decay: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        description="The weight of the previous average in each update."
    )


class Options(LinkOptions):
    """`{ema: {of: classifier, decay: 0.99}}`."""

    ema: AverageOptions = Field(description="The link that is averaged, and the decay.")


def average(options: Options) -> Average:
    """The averaged link and the decay."""
    return Average(options.ema.of, options.ema.decay)


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """Raise AssertionError: the graph stage uses the layers of the averaged link instead."""
    raise AssertionError(f"the layers are those of `{options.ema.of}`")


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """Raise AssertionError: the graph stage uses the layers of the averaged link instead."""
    raise AssertionError(f"the layers are those of `{options.ema.of}`")


ENTRY = Link(
    name="ema",
    summary="The moving average of the weights of another link, which no player trains.",
    formula="theta'_t = decay theta'_(t-1) + (1 - decay) theta_t, theta'_0 = theta_0",
    references=(
        Reference(
            "Polyak and Juditsky (1992), Acceleration of stochastic approximation by averaging"
        ),
        Reference(
            "Tarvainen and Valpola (2017), Mean teachers are better role models", "equation 1"
        ),
    ),
    example="{ema: {of: classifier, decay: 0.99}}",
    Options=Options,
    trunk=trunk,
    head=head,
    average=average,
)
