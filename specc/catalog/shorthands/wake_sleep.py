"""The wake-sleep algorithm: model and guide, each trained at draws of the other program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import NoOptions
from specc.catalog.shorthand import (
    NoLongForm,
    Outline,
    Shorthand,
    below_energy,
    log_densities,
    long_form,
    model_and_guide,
    negative,
    player,
)

MOST_STEPS = 10_000


class Options(NoOptions):
    """`{wake_sleep: {steps: 5, persistent: true}}`."""

    steps: int | None = Field(
        None,
        description="The steps of the chain of an energy above the net, from draws of the guide; 1 "
        "by default.",
        ge=1,
        le=MOST_STEPS,
    )
    persistent: bool | None = Field(
        None, description="Whether the chain that trains the energy goes on from where it stopped."
    )


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """The players `wake`, the net, and `sleep`, the guide; `top` for an energy above the net."""
    if outline.units("model"):
        return _above_net(options, outline)
    for name in ("steps", "persistent"):
        if options[name] is not None:
            raise NoLongForm("no energy is above the net, so there is no chain", name)
    model, guide = model_and_guide(outline)
    players = {
        "wake": player(negative(log_densities(outline, "model")), model),
        "sleep": player(negative(log_densities(outline, "guide", "model")), guide),
    }
    return long_form(players)


def _above_net(options: Mapping[str, Any], outline: Outline) -> str:
    """The up-down algorithm: contrastive divergence trains the energy between both phases."""
    below = below_energy(outline, "model")
    if not below:
        raise NoLongForm("no node is below the energy; `cd` trains an energy alone")
    _, guide = model_and_guide(outline)
    net = outline.trainable("model", below)
    top = tuple(name for name in outline.trainable("model", ["energy"]) if name not in net)
    if not net or not top:
        what = "energy" if net else "net below the energy"
        raise NoLongForm(f"no link or parameter of the {what} can be trained")
    steps = f"steps: {options['steps'] or 1}"
    chain = f"{{{steps}, persistent: true}}" if options["persistent"] else f"{{{steps}}}"
    sleep = f"{{{steps}}}"
    guided = tuple(name for name in guide if name not in top)
    if not guided:
        raise NoLongForm("no link or parameter of the guide can be trained")
    players = {
        "wake": player(negative(log_densities(outline, "model")), net),
        "top": player("cd(model)", top, chain=chain),
        "sleep": player(negative(log_densities(outline, "guide", "model")), guided, chain=sleep),
    }
    return long_form(players)


ENTRY = Shorthand(
    name="wake_sleep",
    title="wake-sleep algorithm",
    summary="Two players: the wake phase trains the model at the data and draws of the guide, the "
    "sleep phase trains the guide at draws of the model. With an energy above a net it is the "
    "up-down algorithm: contrastive divergence trains the energy, at draws of the guide, and the "
    "draws of the model begin with the end of its chain.",
    formula="wake: -E_{data, q(z|x)}[log p(x, z)]; sleep: -E_{p(x, z)}[log q(z | x)]\n"
    "with an energy E of u: wake: -E_{data, q}[log p(x | u)]; top: E_{data, q}[F(u)] - E[F(u')]\n"
    "sleep: -E_{u', p(x' | u')}[log q(u' | x')], with u' the end of a chain",
    references=(
        Reference("Hinton, Dayan, Frey and Neal 1995", "the wake-sleep algorithm"),
        Reference("Hinton, Osindero and Teh 2006", "the up-down algorithm, section 5"),
    ),
    example="objective: wake_sleep",
    expand=expand,
    Options=Options,
)
