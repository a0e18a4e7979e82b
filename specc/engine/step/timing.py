"""The time of one step of a run, whose weights, losses and optimizers are unchanged afterwards."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor

from specc.engine.step.step import Step

TIMED_STEPS = 20
"""Steps that are timed, after a warm-up of 3."""


def seconds(step: Step) -> float:
    """The seconds of one step: the minimum over short rounds, since noise only adds time."""
    run_steps(step, 3)
    rounds = []
    for _ in range(4):
        began = time.perf_counter()
        run_steps(step, TIMED_STEPS // 4)
        rounds.append((time.perf_counter() - began) / (TIMED_STEPS // 4))
    return min(rounds)


def run_steps(step: Step, count: int) -> None:
    """Makes steps on the same rows, and waits for the device."""
    index = step.rows.example(step.size, step.device)
    for number in range(count):
        result = step(0, number, *[index] * step.updates)
    result.values.sum().item()


class unchanged:  # noqa: N801 - used as a statement
    """A context that restores weights, loss state and optimizers at its end.

    Entering it returns `restore`, which restores them at any time before.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.weights = [t.detach().clone() for t in self._tensors()]
        self.optimizers = [copy.deepcopy(p.optimizer.state_dict()) for p in step.players]

    def _tensors(self) -> list[Tensor]:
        program, state = self.step.program, self.step.state
        return [*program.parameters(), *program.buffers(), *state.named().values()]

    def __enter__(self) -> Callable[[], None]:
        return self.restore

    def __exit__(self, *error: object) -> None:
        self.restore()

    @torch.no_grad()
    def restore(self) -> None:
        """Restores the values at the creation of this context."""
        for live, before in zip(self._tensors(), self.weights, strict=True):
            live.copy_(before)
        for player, state in zip(self.step.players, self.optimizers, strict=True):
            player.optimizer.load_state_dict(copy.deepcopy(state))
            player.optimizer.zero_grad(set_to_none=True)
