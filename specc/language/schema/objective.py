"""The schema of `objective:`: a named objective, an expression, or several players."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from specc.language.schema.digests import math
from specc.language.schema.train import PlayerSettings
from specc.language.schema.value import Expression, Value


class NamedObjective(Value):
    """`elbo`, or `{iwae: {particles: 50}}`."""

    name: str = math(about="The name of an objective.")
    options: Mapping[str, bool | int | float | str] = math(
        default={}, about="The options of the objective."
    )


class Minimize(Value):
    """`{minimize: "-elbo(model, guide)"}`."""

    expression: Expression = math(about="The expression over the programs that is minimized.")


Order = Literal["alternating", "simultaneous"]


class Player(PlayerSettings):
    """`{minimize: "-elbo(model, guide)", links: [encoder, decoder], steps: 5}`."""

    minimize: Expression = math(about="The expression over the programs that the player minimizes.")
    links: tuple[str, ...] | None = math(
        default=None, about="The links and parameters that it trains; a single player trains all."
    )

    @property
    def settings(self) -> PlayerSettings:
        """The training settings of the player."""
        stated = {key: getattr(self, key) for key in PlayerSettings.model_fields}
        return PlayerSettings.model_construct(**stated)


class Players(Value):
    """Several losses: `{players: {critic: {...}, generator: {...}}, order: alternating}`."""

    players: Mapping[str, Player] = math(about="Who minimizes what, by name.")
    order: Order = math(
        default="alternating",
        about="Whether the players move in turn, or all from the same parameters.",
    )


Objective = NamedObjective | Minimize | Players
