"""The number of threads that makes the steps of a run fastest, by time.

Without `threads: auto` the number depends on sizes alone, so that a run repeats bit for bit. Sums
of other numbers of threads differ in their rounding; the run records its number, and a resumed run
has the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from specc.counted import counted
from specc.engine import device
from specc.engine.step.step import Step
from specc.engine.step.timing import seconds, unchanged

TOLERANCE = 1.03
"""More threads are used only if they save more than this factor."""


def candidates(available: int) -> tuple[int, ...]:
    """1, 2, 4, ... up to the available processors, and all of them."""
    powers = [1 << n for n in range(available.bit_length()) if 1 << n < available]
    return (*powers, available)


def times(step: Step) -> dict[int, float]:
    """The seconds of a step by the number of threads; the number is as before afterwards."""
    found = {}
    with unchanged(step) as restore:
        for count in candidates(device.available_threads()):
            with device.threads(count):
                found[count] = seconds(step)
            restore()
    return found


def fastest(found: Mapping[int, float]) -> int:
    """The fewest threads whose time is the least one, within the tolerance."""
    least = min(found.values())
    return min(count for count, time in found.items() if time <= TOLERANCE * least)


def use(count: int) -> None:
    """Computes with `count` threads from now on, until the context of the run ends."""
    torch.set_num_threads(count)


def sentence(found: Mapping[int, float]) -> str:
    """The choice and its reason: `2 threads: 1.2 ms a step, against 1.9 ms by 1`."""
    chosen = fastest(found)
    others = ", ".join(f"{t * 1e3:.3g} ms by {n}" for n, t in found.items() if n != chosen)
    against = f", against {others}" if others else ""
    return f"{counted(chosen, 'thread')}: {found[chosen] * 1e3:.3g} ms a step{against}"
