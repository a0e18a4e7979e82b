"""The schema of `objective:`: a named objective, an expression, several players, or stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from specc.language.expressions import tree
from specc.language.schema.digests import math
from specc.language.schema.train import SHARED, PlayerSettings, StageSettings
from specc.language.schema.value import Expression, Value

Option = bool | int | float | str
"""The value of an option of an objective."""


class NamedObjective(Value):
    """`elbo`, or `{iwae: {particles: 50}}`."""

    name: str = math(about="The name of an objective.")
    options: Mapping[str, Option] = math(default={}, about="The options of the objective.")


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
    chain: Mapping[str, Option] = math(
        default={}, about="The options of `cd` for the chain that draws the units of an energy."
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


class CopySource(Value):
    """The right side of a copy: `up`, or `transpose(up)`."""

    name: str = math(about="The link or the parameter whose values are copied.")
    transposed: bool = math(default=False, about="Whether the two axes of a matrix are swapped.")

    def __str__(self) -> str:
        """The right side as it is written."""
        return f"transpose({self.name})" if self.transposed else self.name


class Stage(StageSettings):
    """`{name: second, elbo: {particles: 1}, freeze: [encoder], copy: {down: up}, epochs: 5}`."""

    name: str = math(about="The name of the stage.")
    objective: NamedObjective | Minimize | Players = math(about="The objective of the stage.")
    links: tuple[str, ...] | None = math(
        default=None, about="The links and parameters that the stage trains; by default all."
    )
    freeze: tuple[str, ...] = math(
        default=(), about="Links and parameters that the stage does not train; all others it does."
    )
    copies: Mapping[str, CopySource] = math(
        default={},
        alias="copy",
        about="Links and parameters that take the values of others when the stage starts.",
    )


class Stages(Value):
    """`{stages: [{name: first, ...}, {name: second, ...}]}`, one objective after the other."""

    stages: tuple[Stage, ...] = math(about="The objectives in the order in which they are trained.")


Single = NamedObjective | Minimize | Players
Objective = Single | Stages

LOSS = "loss"
"""The name of the loss of a spec with a single one."""


class WrittenLoss(Struct, frozen=True):
    """A loss of the objective: its name, and where and how it is written.

    `path` is that of the player, of the stage or of the objective; `player` is the name of its
    player, empty if it is the only loss of the spec. `settings` are those that differ from `train`.
    """

    name: str
    path: tuple[str | int, ...]
    written: NamedObjective | Minimize | Player
    settings: PlayerSettings
    player: str = ""
    stage: Stage | None = None

    @property
    def place(self) -> str:
        """The path as text, with the name of a stage: `objective.stages.first.players.critic`."""
        stage = self.stage.name if self.stage is not None else ""
        return ".".join(stage if isinstance(part, int) else part for part in self.path)

    @property
    def expressions(self) -> tuple[tree.Expression, ...]:
        """What is minimized; none for a named objective."""
        match self.written:
            case Minimize(expression=expression):
                return (expression,)
            case Player(minimize=expression):
                return (expression,)
        return ()


def written_losses(objective: Objective | None) -> Iterator[WrittenLoss]:
    """The losses of an objective in order: of its players, and of its stages in turn.

    The loss of a stage has the name of the stage, and that of one of its players both names.
    """
    if isinstance(objective, Stages):
        for number, stage in enumerate(objective.stages):
            yield from _of_stage(stage, ("objective", "stages", number))
    elif objective is not None:
        yield from _of_single(objective, ("objective",))


def _of_single(objective: Single, path: tuple[str | int, ...]) -> Iterator[WrittenLoss]:
    if not isinstance(objective, Players):
        yield WrittenLoss(LOSS, path, objective, PlayerSettings())
        return
    for name, player in objective.players.items():
        yield WrittenLoss(name, (*path, "players", name), player, player.settings, name)


def _of_stage(stage: Stage, path: tuple[str | int, ...]) -> Iterator[WrittenLoss]:
    for loss in _of_single(stage.objective, path):
        name = f"{stage.name}_{loss.player}" if loss.player else stage.name
        unset = [key for key in SHARED if getattr(loss.settings, key) is None]
        settings = loss.settings.model_copy(update={key: getattr(stage, key) for key in unset})
        yield WrittenLoss(name, loss.path, loss.written, settings, name, stage)
