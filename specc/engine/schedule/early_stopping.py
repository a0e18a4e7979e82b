"""Early stopping and drops of the learning rate, from the validation losses.

The record is a function of the validation losses so far. It decides how the run continues, so it is
part of every checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Patience:
    """The validations without an improvement by more than `min_delta` after which a run ends."""

    patience: int = 10
    min_delta: float = 0.0


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """The best validation loss, the validations since, and the drops of the learning rate.

    `at` is the step of the best validation, 0 before the first one; `since_drop` counts validations
    without improvement since the last drop.
    """

    best: float = math.inf
    at: int = 0
    since: int = 0
    drops: int = 0
    since_drop: int = 0
    improved: bool = False

    def after(self, loss: float, step: int, min_delta: float, plateau: int) -> EarlyStopping:
        """The record after a validation at `step`; `plateau` is the patience of the schedule.

        A loss that is not finite is no improvement.
        """
        if math.isfinite(loss) and loss < self.best - min_delta:
            return EarlyStopping(loss, step, 0, self.drops, 0, improved=True)
        waited = self.since_drop + 1
        if waited >= plateau:
            return EarlyStopping(self.best, self.at, self.since + 1, self.drops + 1, 0)
        return EarlyStopping(self.best, self.at, self.since + 1, self.drops, waited)

    def as_json(self) -> dict[str, Any]:
        """The record as a checkpoint stores it; `best` is None before the first validation."""
        return {
            "best": self.best if math.isfinite(self.best) else None,
            "at": self.at,
            "since": self.since,
            "falls": self.drops,
            "since_fall": self.since_drop,
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> EarlyStopping:
        """The record from the result of `as_json`."""
        best = math.inf if values["best"] is None else float(values["best"])
        since = values["since"], values["falls"], values["since_fall"]
        return cls(best, values["at"], *since)


def patience_of(value: Mapping[str, Any] | None) -> Patience | None:
    """The patience in a manifest's `early_stopping`."""
    if value is None:
        return None
    return Patience(int(value.get("patience", 10)), float(value.get("least", 0.0)))
