"""Means over the steps of an epoch, read from the device now and then rather than every step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from specc.engine.player import Outcome


class Tally:
    """Sums of what steps report.

    They run step by step in Python's floats, so that it makes no difference when they are read, and
    a resumed run has the same means as an uninterrupted one.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.names: tuple[str, ...] = tuple(state.get("names", ()))
        self.sums: list[float] = list(state.get("sums", ()))
        self.steps: int = state.get("steps", 0)
        self.skipped: int = state.get("skipped", 0)
        self.skipped_in_a_row: int = state.get("skipped_in_a_row", 0)
        self._waiting: list[Tensor] = []

    def add(self, outcome: Outcome) -> None:
        """Takes note of a step, without waiting for its numbers.

        Where the parts are called otherwise than before, the sums start anew.
        """
        if outcome.names != self.names:
            self.sums, self.steps = [], 0
        self.names = outcome.names
        self._waiting.append(torch.cat([outcome.values, outcome.skipped.reshape(1)]))

    def read(self) -> None:
        """Waits for the numbers of all steps so far."""
        if not self._waiting:
            return
        if not self.sums:
            self.sums = [0.0] * len(self.names)
        for *values, skipped in torch.stack(self._waiting).tolist():
            self._count(values, bool(skipped))
        self._waiting.clear()

    def _count(self, values: list[float], skipped: bool) -> None:
        if skipped:
            self.skipped += 1
            self.skipped_in_a_row += 1
            return
        self.steps += 1
        self.skipped_in_a_row = 0
        self.sums = [total + value for total, value in zip(self.sums, values, strict=True)]

    def means(self) -> dict[str, float]:
        """The mean of the loss and of each part, over the steps that were not skipped."""
        count = self.steps or math.nan
        return {n: total / count for n, total in zip(self.names, self.sums, strict=True)}

    def next_epoch(self) -> Tally:
        """An empty tally that goes on counting skipped steps in a row."""
        return Tally({"skipped_in_a_row": self.skipped_in_a_row})

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; the numbers must have been read."""
        return {
            "names": list(self.names),
            "sums": self.sums,
            "steps": self.steps,
            "skipped": self.skipped,
            "skipped_in_a_row": self.skipped_in_a_row,
        }
