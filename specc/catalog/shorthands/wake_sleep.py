"""The wake-sleep algorithm: model and guide, each trained at draws of the other program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specc.catalog.entry import Reference
from specc.catalog.shorthand import (
    Outline,
    Shorthand,
    log_densities,
    long_form,
    model_and_guide,
    negative,
    player,
)


def expand(options: Mapping[str, Any], outline: Outline) -> str:
    """Two players: `wake` trains the model at draws of the guide, `sleep` the reverse."""
    del options
    model, guide = model_and_guide(outline)
    players = {
        "wake": player(negative(log_densities(outline, "model")), model),
        "sleep": player(negative(log_densities(outline, "guide", "model")), guide),
    }
    return long_form(players)


ENTRY = Shorthand(
    name="wake_sleep",
    title="wake-sleep algorithm",
    summary="Two players: the wake phase trains the model at the data and draws of the guide, the "
    "sleep phase trains the guide at draws of the model.",
    formula="wake: -E_{data, q(z|x)}[log p(x, z)]; sleep: -E_{p(x, z)}[log q(z | x)]",
    references=(Reference("Hinton, Dayan, Frey and Neal 1995", "the wake-sleep algorithm"),),
    example="objective: wake_sleep",
    expand=expand,
)
