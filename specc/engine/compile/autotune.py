"""The choice between an eager and a compiled step.

C++ of its own for a small network takes 1 to 15 seconds to compile, and a graph of torch 5 to 45.
`compile: auto` therefore times the eager step first and compiles nothing if the remaining eager
steps take less time than that. Otherwise it times both steps and uses the compiled one if the time
saved exceeds the time spent on compiling. The weights, the state of the losses and the state of the
optimizers are restored afterwards. The run records the choice, so a resumed run computes in the
same way.
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
"""Seconds of remaining eager steps below which torch compiles nothing."""

MIN_SECONDS_IN_CPP = 10.0
"""The same for C++ of its own, which takes less time."""

MAX_LOOP_STEPS = 16
"""Most steps of a loop that a graph of torch unrolls."""

MAX_LOOP_STEPS_IN_CPP, MIN_SECONDS_OF_LOOPS = 128, 90.0
"""The same for C++ of its own, and the seconds of remaining eager steps below which it is not."""


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
    with unchanged(step) as restore:
        return _timed(step, steps_left, restore)


def _timed(step: Step, steps_left: int, restore: Callable[[], None]) -> Choice:
    """Times the eager and the compiled step, and keeps the compiled one if it saves time."""
    loop = max(player.loss.loop for player in step.players)
    is_long = loop > MAX_LOOP_STEPS
    too_large = f"its loss goes through {loop} steps one by one, too large a graph"
    if loop > MAX_LOOP_STEPS_IN_CPP:
        return Choice(False, too_large)
    eager = seconds(step)
    restore()
    left = eager * steps_left
    too_few = f"{left:.0f} s of steps are too few for it to pay"
    if left < (MIN_SECONDS_OF_LOOPS if is_long else min(MIN_SECONDS_LEFT, MIN_SECONDS_IN_CPP)):
        return Choice(False, too_few)
    only_cpp = is_long or left < MIN_SECONDS_LEFT
    began = time.perf_counter()
    try:
        compile_step(step, only_cpp=only_cpp)
        run_steps(step, 1)
    except NotCompiled as reason:
        step.compiled.clear()
        return Choice(False, (too_large if is_long else too_few) if only_cpp else str(reason))
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
