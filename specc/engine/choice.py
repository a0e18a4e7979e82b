"""Whether a run's step is compiled: as the spec asks, or as its first steps show.

A graph costs 5 to 45 seconds, so `auto` looks first at what there is to gain: the eager step is
timed, and where all steps left take less than the graph may cost, nothing is tried. Else both are
timed, and the graph is kept where the time that it saves is more than it cost. The weights and what
the optimizer remembers are put back afterwards; the choice is kept with the run, so that a resumed
run computes in the same way.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from specc.engine.player import NotCompiled, Player
from specc.engine.step import Step

WORTH = 30.0
"""Seconds of eager steps ahead, below which a graph is not tried."""

MOST_STEPS = 16
"""Steps of a loop, each of which would be in the graph anew, beyond which none is tried."""

TIMED = 20
"""Steps that are timed, after as many to warm up as it takes to be steady."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether the step is compiled, and why, in words."""

    compiled: bool
    reason: str

    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"compiled": self.compiled, "reason": self.reason}


def choose(step: Step, wanted: str, steps_left: int) -> Choice:
    """Compiles the step where that is wanted and pays; the state is as it was before.

    Raises NotCompiled where it was asked for by `on` and cannot be.
    """
    if wanted == "off":
        return Choice(False, "not requested")
    if wanted == "on":
        with _unchanged(step.program, step.players):
            step.compile()
            _run(step, 1)
        return Choice(True, "requested")
    loop = max(player.loss.loop for player in step.players)
    if loop > MOST_STEPS:
        return Choice(False, f"its loss goes through {loop} steps one by one, too large a graph")
    with _unchanged(step.program, step.players) as restore:
        return _timed(step, steps_left, restore)


def _timed(step: Step, steps_left: int, restore: Callable[[], None]) -> Choice:
    eager = _seconds(step)
    restore()
    if eager * steps_left < WORTH:
        return Choice(False, f"{eager * steps_left:.0f} s of steps are too few for it to pay")
    began = time.perf_counter()
    try:
        step.compile()
        _run(step, 1)
    except NotCompiled as reason:
        return Choice(False, str(reason))
    cost = time.perf_counter() - began
    graph = _seconds(step)
    words = f"{_shown(graph)} a step against {_shown(eager)}, {cost:.0f} s to compile"
    if (eager - graph) * steps_left > cost:
        return Choice(True, words)
    step.compiled.clear()
    return Choice(False, f"it does not pay: {words}")


def _shown(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"


def _seconds(step: Step) -> float:
    """The time of one step: the least of a few short rounds, which noise lengthens only."""
    _run(step, 3)
    rounds = []
    for _ in range(4):
        began = time.perf_counter()
        _run(step, TIMED // 4)
        rounds.append((time.perf_counter() - began) / (TIMED // 4))
    return min(rounds)


def _run(step: Step, count: int) -> None:
    index = torch.arange(min(step.size, len(step.rows)), device=step.device)
    for number in range(count):
        outcome = step(0, number, index)
    outcome.values.sum().item()  # waits for the device


class _unchanged:  # noqa: N801 - used as a statement
    """Within it, calling what it gives puts weights and optimizers back; so does its end."""

    def __init__(self, program: nn.Module, players: Sequence[Player]) -> None:
        self.program, self.players = program, players
        self.weights = [t.detach().clone() for t in self._tensors()]
        self.optimizers = [copy.deepcopy(p.optimizer.state_dict()) for p in players]

    def _tensors(self) -> list[Tensor]:
        return [*self.program.parameters(), *self.program.buffers()]

    def __enter__(self) -> Callable[[], None]:
        return self.restore

    def __exit__(self, *error: object) -> None:
        self.restore()

    @torch.no_grad()
    def restore(self) -> None:
        """Everything as it was when this was made."""
        for live, kept in zip(self._tensors(), self.weights, strict=True):
            live.copy_(kept)
        for player, state in zip(self.players, self.optimizers, strict=True):
            player.optimizer.load_state_dict(copy.deepcopy(state))
            player.optimizer.zero_grad(set_to_none=True)
