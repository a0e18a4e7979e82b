"""The reweighted wake-sleep algorithm: model and guide, trained at weighted draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.limits import MAX_PARTICLES
from specc.catalog.metric import NoOptions
from specc.catalog.shorthand import (
    Outline,
    Shorthand,
    log_densities,
    long_form,
    model_and_guide,
    negative,
    player,
)


class Options(NoOptions):
    """`{rws: {particles: 10}}`."""

    particles: int = Field(
        10, description="The number K of draws from the guide for each row.", ge=2, le=MAX_PARTICLES
    )
    guide: Literal["wake", "sleep", "both"] = Field(
        "both",
        description="The loss of the guide: at weighted draws given the data (`wake`), at draws of "
        "the model (`sleep`), or the mean of the two losses (`both`).",
    )


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """Two players: `theta`, the model, and `phi`, the guide."""
    model, guide = model_and_guide(outline)
    particles, phase = options["particles"], options["guide"]
    wake = f"posterior_mean({' + '.join(log_densities(outline, 'guide'))}, {particles})"
    sleep = log_densities(outline, "guide", "model")
    losses = {"wake": negative([wake]), "sleep": negative(sleep)}
    halves = negative(f"0.5 * {term}" for term in (wake, *sleep))
    players = {
        "theta": player(f"-iwae(model, guide, {particles})", model),
        "phi": player(losses.get(phase, halves), guide),
    }
    return long_form(players)


ENTRY = Shorthand(
    name="rws",
    title="reweighted wake-sleep algorithm",
    summary="Two players: the model maximizes the importance-weighted bound, the guide its density "
    "at K draws, each with its normalized importance weight (wake), at draws of the model (sleep), "
    "or both. Its gradients are biased by terms of the order 1/K.",
    formula="w_k = p(x, z_k) / q(z_k | x), v_k = w_k / sum_j w_j, z_k drawn from q\n"
    "theta: -log 1/K sum_k w_k\n"
    "phi: -sum_k v_k log q(z_k | x) (wake), -E_{p(x, z)}[log q(z | x)] (sleep)",
    references=(
        Reference("Bornschein and Bengio 2015, Reweighted wake-sleep", "equations 4 to 9"),
        Reference("Le et al. 2019, Revisiting reweighted wake-sleep", "equations 7 and 8"),
    ),
    example="objective: {rws: {particles: 10}}",
    expand=expand,
    Options=Options,
)
