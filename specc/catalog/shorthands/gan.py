"""Generative adversarial networks with several losses and penalties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions
from specc.catalog.shorthand import (
    LinkName,
    NodeName,
    NodeNames,
    Outline,
    Shorthand,
    long_form,
    node_of,
    player,
    trainable_for,
    weighted,
)

# The losses of critic and generator, functions of the critic's values at data and samples.
LOSSES = {
    "minimax": ("softplus(-{real}) + softplus({fake})", "-softplus({fake})"),
    "non_saturating": ("softplus(-{real}) + softplus({fake})", "softplus(-{fake})"),
    "least_squares": ("({real} - 1) ** 2 / 2 + {fake} ** 2 / 2", "({fake} - 1) ** 2 / 2"),
    "hinge": ("relu(1 - {real}) + relu(1 + {fake})", "-{fake}"),
    "wasserstein": ("{fake} - {real}", "-{fake}"),
}
Loss = Literal["minimax", "non_saturating", "least_squares", "hinge", "wasserstein"]


class Penalty(NoOptions):
    """A penalty that makes the critic smooth or small: `{gradient: 10}`."""

    gradient: float | None = Field(
        None,
        description="The weight of (|grad d| - 1)^2 at random points between data and samples.",
        gt=0,
    )
    r1: float | None = Field(None, description="The weight of |grad d|^2 / 2 at the data.", gt=0)
    clip: float | None = Field(
        None, description="The largest absolute value of a weight of the critic.", gt=0
    )
    closed_loop: float | None = Field(
        None,
        description="The weight of d^2 / 2 at earlier data and samples, half of them each.",
        gt=0,
    )
    buffer: int = Field(
        1000, description="The rows of earlier data, and of samples, for `closed_loop`.", ge=1
    )


class Options(NoOptions):
    """`{gan: {critic: d, sample: model.x}}`."""

    critic: LinkName = Field(description="The link that gives a number for data and for samples.")
    sample: NodeName = Field("model.x", description="The node whose draws are compared with data.")
    data: NodeName | None = Field(
        None, description="The data; by default those with the name of the node."
    )
    given: NodeNames = Field(
        (), description="Further arguments of the critic; `[data.y]` in a conditional model."
    )
    loss: Loss = Field("non_saturating", description="The losses of critic and generator.")
    penalty: Literal["clip"] | Penalty | None = Field(
        None, description="The penalty in the critic's loss; `clip` is short for `{clip: 0.01}`."
    )
    steps: int = Field(1, description="The critic updates in each step.", ge=1, le=10_000)


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """Critic and generator, and for a gradient penalty a program for its points."""
    link, sample = options["critic"], options["sample"]
    data = options["data"] or f"data.{node_of(sample)}"

    def critic(value: str, rows: int | None = None) -> str:
        taken = (value, *options["given"])
        held = taken if rows is None else (f"buffer({each}, {rows})" for each in taken)
        return f"{link}({', '.join(held)})"

    at_critic, at_generator = (
        text.format(real=critic(data), fake=critic(sample)) for text in LOSSES[options["loss"]]
    )
    penalty: Mapping[str, Any] = options["penalty"] or {}
    penalty = {"clip": 0.01} if options["penalty"] == "clip" else penalty
    programs = {}
    if penalty.get("gradient"):
        between = outline.fresh("between")
        programs[between] = {
            "t": "{latent: uniform, low: 0, high: 1}",
            "v": f'{{let: "t * {data} + (1 - t) * {sample}"}}',
        }
        point = f"{between}.v"
        slope = f"(norm(grad({critic(point)}, {point})) - 1) ** 2"
        at_critic += f" + {weighted(penalty['gradient'], slope)}"
    if penalty.get("r1"):
        slope = f"sum(grad({critic(data)}, {data}) ** 2)"
        at_critic += f" + {weighted(penalty['r1'], slope)} / 2"
    if penalty.get("closed_loop"):
        squares = " + ".join(f"{critic(each, penalty['buffer'])} ** 2" for each in (data, sample))
        at_critic += f" + {weighted(penalty['closed_loop'], f'({squares})')} / 4"
    trained = trainable_for(outline, sample, without=link)
    players = {
        "critic": player(
            at_critic, [link], steps=options["steps"], clip_weights=penalty.get("clip")
        ),
        "generator": player(at_generator, trained),
    }
    return long_form(players, programs)


ENTRY = Shorthand(
    name="gan",
    title="generative adversarial network",
    summary="Two players: a critic is trained to distinguish data from samples, and the generator "
    "of the samples is trained against it. A gradient penalty adds a program for the points at "
    "which the gradient is computed; closed-loop control adds buffers of earlier data and samples.",
    formula="min over generator, max over critic: E[f(d(x))] + E[g(d(G(z)))]",
    references=(
        Reference("Goodfellow et al. 2014", "section 3: minimax, non_saturating"),
        Reference("Mao et al. 2017", "equation 9: least_squares"),
        Reference("Lim and Ye 2017", "equations 5 and 6: hinge"),
        Reference("Arjovsky et al. 2017", "algorithm 1: wasserstein, clip"),
        Reference("Gulrajani et al. 2017", "equation 3: gradient"),
        Reference("Mescheder, Geiger and Nowozin 2018", "equation 9: r1"),
        Reference("Xu et al. 2020", "section 4: closed_loop"),
    ),
    example="objective: {gan: {critic: d, loss: wasserstein, penalty: {gradient: 10}, steps: 5}}",
    expand=expand,
    Options=Options,
)
