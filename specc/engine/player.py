"""A player: one loss, the parameters that make it small, and their optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from specc.engine.distributed import clip, part_of
from specc.engine.settings import FUSED, Settings, optimizer_for
from specc.runtime.manifest import Loss
from specc.runtime.program import Program


class NotCompiled(Exception):
    """Why a step cannot be compiled, in words that follow "the step is not compiled: "."""


@dataclass(frozen=True, slots=True)
class Player:
    """A loss with the parameters that minimize it, and their optimizer.

    `parameters` are what this process updates: the program's own, which are `sources`, or its rows
    of them where they are shared out. `clip` is the largest norm of the gradient. Where the run
    `skips_on_device`, the optimizer itself leaves an update out, so nobody waits for the device.
    """

    loss: Loss
    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    sources: tuple[nn.Parameter, ...]
    optimizer: torch.optim.Optimizer
    clip: float | None = None
    skips_on_device: bool = False

    @property
    def parts(self) -> tuple[nn.Parameter, ...]:
        """Parameters that are rows of the program's; no other process has them."""
        pairs = zip(self.parameters, self.sources, strict=True)
        return tuple(own for own, source in pairs if own is not source)

    @property
    def alike(self) -> tuple[nn.Parameter, ...]:
        """Parameters that every process has."""
        pairs = zip(self.parameters, self.sources, strict=True)
        return tuple(own for own, source in pairs if own is source)

    def forget(self) -> None:
        """Drops the gradients of the step before."""
        for own, source in zip(self.parameters, self.sources, strict=True):
            own.grad = source.grad = None

    def take(self) -> None:
        """Takes this process's rows of the gradients, where parameters are shared out."""
        for own, source in zip(self.parameters, self.sources, strict=True):
            if own is not source:
                own.grad = None if source.grad is None else part_of(source.grad)

    def apply(self, skipped: Tensor) -> None:
        """The update by the gradients that are there, left out where `skipped` is 1."""
        if self.clip is not None:
            clip(self.parts, self.alike, self.clip)
        if self.skips_on_device:
            self.optimizer.found_inf = skipped  # type: ignore[attr-defined]
            self.optimizer.step()
        elif not skipped:
            self.optimizer.step()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step leaves to be read later, still on the device.

    `values` are the loss and its parts, `skipped` is 1 where the update was left out.
    """

    names: tuple[str, ...]
    values: Tensor
    skipped: Tensor


def players_of(program: Program, settings: Settings, device: torch.device) -> tuple[Player, ...]:
    """A player for each loss of the program, in the order of the manifest."""
    named = dict(program.named_parameters())
    # On the CPU a look at the result costs nothing; elsewhere it would stall the device.
    on_device = device.type != "cpu" and settings.optimizer in FUSED
    players = []
    for loss in program.manifest.losses:
        mine = {n: p for n, p in named.items() if _belongs(n, loss.parameters)}
        own = tuple(_own(p) for p in mine.values())
        found = tuple(mine), own, tuple(mine.values()), optimizer_for(settings, own, device)
        players.append(Player(loss, *found, clip=settings.clip, skips_on_device=on_device))
    return tuple(players)


def _own(parameter: nn.Parameter) -> nn.Parameter:
    """What this process has of a parameter, for an optimizer that knows of no others."""
    whole = parameter.detach()
    rows = part_of(whole)
    return parameter if rows is whole else nn.Parameter(rows)


def _belongs(name: str, owners: Sequence[str]) -> bool:
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)
