"""What follows from the loss of held-out rows: the best state so far, falls of the rate, the end.

Everything here is a function of the validation losses seen so far, which stand in metrics.jsonl; a
resumed run looks at them again and comes to the same state.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Patience:
    """How many validations without an improvement of at least `least` are borne."""

    patience: int = 10
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """The best validation loss, the validations since, and how often the plateau let the rate fall.

    `since_fall` counts validations without improvement since the last fall.
    """

    best: float = math.inf
    since: int = 0
    falls: int = 0
    since_fall: int = 0
    improved: bool = False

    def after(self, loss: float, least: float, plateau: int) -> Watch:
        """The watch after one more validation; `plateau` is the patience of the rate."""
        if loss < self.best - least:
            return Watch(loss, 0, self.falls, 0, improved=True)
        waited = self.since_fall + 1
        if waited >= plateau:
            return Watch(self.best, self.since + 1, self.falls + 1, 0)
        return Watch(self.best, self.since + 1, self.falls, waited)


def watched(lines: Iterable[Mapping[str, Any]], least: float, plateau: int) -> Watch:
    """The watch after the validations in the lines of metrics.jsonl."""
    watch = Watch()
    for line in lines:
        if "valid" in line:
            watch = watch.after(float(line["valid"]["loss"]), least, plateau)
    return watch


def patience_of(value: Mapping[str, Any] | None) -> Patience | None:
    """The patience in a manifest's `early_stopping`."""
    if value is None:
        return None
    return Patience(int(value.get("patience", 10)), float(value.get("least", 0.0)))
