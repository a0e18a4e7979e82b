"""The learning rate as a function of the step; a schedule has no state.

With base rate r, warm-up fraction w and final fraction f of a run of n steps, at step t

    warm-up      r (t + 1) / (w n)                            while t < w n
    cosine       r (f + (1 - f) (1 + cos(pi u)) / 2)          u = (t - w n) / (n - w n)
    linear       r (1 - (1 - f) u)
    exponential  r f^u
    plateau      r factor^k, at least r f                     k drops, see `early_stopping`
    steps        the rate of the last entry whose step is reached, else r

Loshchilov and Hutter (2017), equation 5, for the cosine; Goyal et al. (2017) for the warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPTIONS = {
    "constant": {"warmup": 0.0},
    "cosine": {"warmup": 0.0, "final": 0.0},
    "linear": {"warmup": 0.0, "final": 0.0},
    "exponential": {"warmup": 0.0, "final": 0.01},
    "plateau": {"warmup": 0.0, "final": 0.01, "factor": 0.5, "patience": 5},
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of the learning rate: its kind with its options, or the entries of `steps`."""

    kind: str = "constant"
    warmup: float = 0.0
    final: float = 0.0
    factor: float = 0.5
    patience: int = 5
    entries: tuple[tuple[float, float], ...] = ()

    def rate(self, base: float, step: int, steps: int, drops: int = 0) -> float:
        """The learning rate of `step` in a run of `steps`, after `drops` of the plateau."""
        if self.kind == "steps":
            passed = [rate for at, rate in self.entries if at * steps <= step]
            return passed[-1] if passed else base
        first = self.warmup * steps
        if step < first:
            return base * (step + 1) / math.ceil(first)
        left = steps - first
        return base * self._fraction((step - first) / left if left > 0 else 1.0, drops)

    def _fraction(self, done: float, drops: int) -> float:
        """The fraction of the base rate at the fraction `done` of the steps after warm-up."""
        match self.kind:
            case "cosine":
                return self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2
            case "linear":
                return 1 - (1 - self.final) * done
            case "exponential":
                return float(self.final**done)
            case "plateau":
                return max(self.final, float(self.factor**drops))
        return 1.0


def schedule_of(schedule: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Schedule:
    """The schedule in a manifest: a list of `{at, lr}`, or a name with its options.

    Raises KeyError, TypeError or ValueError if it is neither.
    """
    if not isinstance(schedule, Mapping):
        entries = tuple((float(entry["at"]), float(entry["lr"])) for entry in schedule)
        return Schedule("steps", entries=entries) if entries else Schedule()
    ((kind, options),) = schedule.items()
    return Schedule(kind, **{**OPTIONS[kind], **(options or {})})
