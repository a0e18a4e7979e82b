"""Players: each minimizes one loss over its parameters with an optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from specc.engine.distributed import clip_gradients, local_part
from specc.engine.optimizers import step
from specc.engine.settings import FUSED, PlayerSettings, Settings, optimizer_for
from specc.runtime.failure import RunFailure
from specc.runtime.losses import Loss
from specc.runtime.program import Program
from specc.runtime.stages import belongs


class NotCompiled(Exception):
    """The reason why a step cannot be compiled, as a clause after "the step is not compiled: "."""


@dataclass(frozen=True, slots=True)
class Player:
    """A loss with the parameters that minimize it and their optimizer.

    `sources` are the parameters of the program, and `parameters` those that this process updates:
    the same, or its rows of them if they are sharded. A player that `is_alone` has all parameters
    of the program. If it `skips_on_device` the optimizer itself omits an update, so that the CPU
    need not wait for the device.
    """

    loss: Loss
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    sources: tuple[nn.Parameter, ...]
    optimizer: torch.optim.Optimizer
    settings: PlayerSettings
    is_alone: bool = True
    skips_on_device: bool = False

    @property
    def sharded(self) -> tuple[nn.Parameter, ...]:
        """The parameters of which this process has rows of its own."""
        pairs = zip(self.parameters, self.sources, strict=True)
        return tuple(own for own, source in pairs if own is not source)

    @property
    def replicated(self) -> tuple[nn.Parameter, ...]:
        """Parameters that every process has."""
        pairs = zip(self.parameters, self.sources, strict=True)
        return tuple(own for own, source in pairs if own is source)

    def zero_grad(self) -> None:
        """Drops the gradients of the last update."""
        for own, source in zip(self.parameters, self.sources, strict=True):
            own.grad = source.grad = None

    def shard_gradients(self) -> None:
        """Reduces the gradients of sharded parameters to the rows of this process."""
        for own, source in zip(self.parameters, self.sources, strict=True):
            if own is not source:
                own.grad = None if source.grad is None else local_part(source.grad)

    def backward(self, loss: Tensor) -> None:
        """Adds the gradient of a loss with respect to the parameters of this player alone.

        Torch's sharding computes all gradients together; other players drop theirs before their
        next update.
        """
        if self.is_alone or self.sharded:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            loss.backward(inputs=list(self.parameters))  # type: ignore[no-untyped-call]

    def set_rate(self, step: int, steps: int, drops: int) -> None:
        """Sets the learning rate of `step` in a run of `steps`, after `drops` of a plateau."""
        for group in self.optimizer.param_groups:
            base = group.setdefault("initial_lr", group["lr"])
            group["lr"] = self.settings.schedule.rate(base, step, steps, drops)

    def apply(self, skipped: Tensor) -> None:
        """Updates the parameters by their gradients; if `skipped` is 1 nothing changes."""
        if self.settings.clip is not None:
            clip_gradients(self.sharded, self.replicated, self.settings.clip)
        if self.skips_on_device:
            self.optimizer.found_inf = skipped  # type: ignore[attr-defined]
            step(self.optimizer)
        elif not skipped:
            step(self.optimizer)
        limit = self.settings.clip_weights
        if limit is not None:
            with torch.no_grad():
                for own in self.parameters:
                    own.clamp_(-limit, limit)


@dataclass(frozen=True, slots=True)
class StepResult:
    """The metrics of a step, on the device until they are read.

    `values` are the loss and its metrics by `names`; `skipped` is 1 if the update was omitted.
    """

    names: tuple[str, ...]
    values: Tensor
    skipped: Tensor


def players_of(
    program: Program,
    settings: Settings,
    device: torch.device,
    losses: Sequence[Loss] | None = None,
) -> tuple[Player, ...]:
    """A player for each of the losses, by default those of the program in the manifest's order.

    Raises RunFailure: E0808, if there are settings for a player that does not exist.
    """
    named = {name: p for name, p in program.named_parameters() if p.requires_grad}
    known = program.manifest.losses
    for name in settings.players:
        if name not in {loss.name for loss in known}:
            message = f"the manifest's `train` has settings for `{name}`, which is no player"
            raise RunFailure("E0808", message, hint="compile the spec again, with `specc compile`")
    players = []
    for loss in known if losses is None else losses:
        mine = {n: p for n, p in named.items() if belongs(n, loss.parameters)}
        own, its = tuple(_own(p) for p in mine.values()), settings.player(loss.name)
        optimizer = optimizer_for(its, own, device)
        # On the CPU reading `skipped` costs nothing; elsewhere it would stall the device.
        on_device = device.type != "cpu" and its.optimizer in FUSED
        found = tuple(mine), own, tuple(mine.values()), optimizer, its
        players.append(Player(loss, *found, len(mine) == len(named), on_device))
    return tuple(players)


def _own(parameter: nn.Parameter) -> nn.Parameter:
    """The part of a parameter in this process, as a parameter for its optimizer."""
    detached = parameter.detach()
    rows = local_part(detached)
    return parameter if rows is detached else nn.Parameter(rows)
