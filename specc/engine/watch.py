"""What follows from the loss of held-out rows: the best state so far, falls of the rate, the end.

Everything here is a function of the validation losses seen so far. It steers what follows, so that
it is part of every checkpoint, and a resumed run begins with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Patience:
    """How many validations without an improvement of at least `least` are borne."""

    patience: int = 10
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """The best validation loss, the validations since, and how often the plateau let the rate fall.

    `at` is the step of the best validation, 0 before the first one; `since_fall` counts validations
    without improvement since the last fall.
    """

    best: float = math.inf
    at: int = 0
    since: int = 0
    falls: int = 0
    since_fall: int = 0
    improved: bool = False

    def after(self, loss: float, step: int, least: float, plateau: int) -> Watch:
        """The watch after a validation at `step`; `plateau` is the patience of the rate.

        A loss that is not finite is no improvement.
        """
        if math.isfinite(loss) and loss < self.best - least:
            return Watch(loss, step, 0, self.falls, 0, improved=True)
        waited = self.since_fall + 1
        if waited >= plateau:
            return Watch(self.best, self.at, self.since + 1, self.falls + 1, 0)
        return Watch(self.best, self.at, self.since + 1, self.falls, waited)

    def as_json(self) -> dict[str, Any]:
        """What a checkpoint stores; `best` is None before the first validation."""
        values = {key: value for key, value in asdict(self).items() if key != "improved"}
        return {**values, "best": self.best if math.isfinite(self.best) else None}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Watch:
        """The watch that `as_json` gave."""
        best = math.inf if values["best"] is None else float(values["best"])
        return cls(**{**values, "best": best})


def patience_of(value: Mapping[str, Any] | None) -> Patience | None:
    """The patience in a manifest's `early_stopping`."""
    if value is None:
        return None
    return Patience(int(value.get("patience", 10)), float(value.get("least", 0.0)))
