"""Means of metrics over the steps of an epoch, read from the device every few steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from specc.engine.step.player import StepResult


class RunningMetrics:
    """Sums of the metrics of steps.

    Python adds them step by step, so the sums do not depend on when they are read, and a resumed
    run has the same means as an uninterrupted one.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.names: tuple[str, ...] = tuple(state.get("names", ()))
        self.sums: list[float] = list(state.get("sums", ()))
        self.steps: int = state.get("steps", 0)
        self.skipped: int = state.get("skipped", 0)
        self.skipped_in_a_row: int = state.get("skipped_in_a_row", 0)
        self._waiting: list[Tensor] = []

    def add(self, result: StepResult) -> None:
        """Adds a step without waiting for its numbers; if the names change the sums restart."""
        if result.names != self.names:
            self.sums, self.steps = [], 0
        self.names = result.names
        self._waiting.append(torch.cat([result.values, result.skipped.reshape(1)]))

    def read(self) -> None:
        """Reads the metrics of all steps so far from the device."""
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
        """The mean of each metric over the steps that were not skipped."""
        count = self.steps or math.nan
        return {n: total / count for n, total in zip(self.names, self.sums, strict=True)}

    def next_epoch(self) -> RunningMetrics:
        """Empty metrics that continue the count of consecutive skipped steps."""
        return RunningMetrics({"skipped_in_a_row": self.skipped_in_a_row})

    def state(self) -> dict[str, Any]:
        """The sums as a checkpoint stores them, after `read`."""
        return {
            "names": list(self.names),
            "sums": self.sums,
            "steps": self.steps,
            "skipped": self.skipped,
            "skipped_in_a_row": self.skipped_in_a_row,
        }
