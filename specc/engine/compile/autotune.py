"""The choice between an eager and a compiled step.

A graph takes 5 to 45 seconds to compile. `compile: auto` therefore times the eager step first and
compiles nothing if the remaining eager steps take less time than that. Otherwise it times both
steps and uses the graph if the time saved exceeds the time spent on compiling. The weights, the
state of the losses and the state of the optimizers are restored afterwards. The run records the
choice, so a resumed run computes in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specc.engine.compile.compile_step import compile_step
from specc.engine.step.player import NotCompiled
from specc.engine.step.step import Step
from specc.engine.step.timing import run_steps, seconds, unchanged

MIN_SECONDS_LEFT = 30.0
"""Seconds of remaining eager steps below which nothing is compiled."""

MAX_LOOP_STEPS = 16
"""Most steps of a loop that a graph unrolls; a longer loop is not compiled."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether the step is compiled, and the reason as a clause."""

    compiled: bool
    reason: str

    def facts(self) -> dict[str, Any]:
        """The choice as run.json stores it."""
        return {"compiled": self.compiled, "reason": self.reason}


def choose(step: Step, mode: str, steps_left: int) -> Choice:
    """Compiles the step under the mode `on`, and under `auto` if that saves time.

    Weights, optimizers and the state of the losses are unchanged afterwards.

    Raises NotCompiled if the mode is `on` and the step cannot be compiled.
    """
    if mode == "off":
        return Choice(False, "not requested")
    if mode == "on":
        with unchanged(step):
            compile_step(step)
            run_steps(step, 1)
        return Choice(True, "requested")
    loop = max(player.loss.loop for player in step.players)
    if loop > MAX_LOOP_STEPS:
        return Choice(False, f"its loss goes through {loop} steps one by one, too large a graph")
    with unchanged(step) as restore:
        return _timed(step, steps_left, restore)


def _timed(step: Step, steps_left: int, restore: Callable[[], None]) -> Choice:
    """Times the eager and the compiled step, and keeps the graph if it saves time."""
    eager = seconds(step)
    restore()
    if eager * steps_left < MIN_SECONDS_LEFT:
        return Choice(False, f"{eager * steps_left:.0f} s of steps are too few for it to pay")
    began = time.perf_counter()
    try:
        compile_step(step)
        run_steps(step, 1)
    except NotCompiled as reason:
        return Choice(False, str(reason))
    cost = time.perf_counter() - began
    graph = seconds(step)
    comparison = (
        f"{_milliseconds(graph)} a step against {_milliseconds(eager)}, {cost:.0f} s to compile"
    )
    if (eager - graph) * steps_left > cost:
        return Choice(True, comparison)
    step.compiled.clear()
    return Choice(False, f"it does not pay: {comparison}")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"
