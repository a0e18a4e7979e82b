"""The protocol of drivers, which advance a run; the loop knows a run by its driver alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from specc.engine.step.running_metrics import RunningMetrics
from specc.engine.storage.checkpoint import Checkpoint, Counters
from specc.engine.storage.replicated import Replicated
from specc.runtime.failure import RunFailure
from specc.runtime.losses import State


class Driver(Protocol):
    """Advances a stage by `total` steps, in epochs of `per_epoch`; the last epoch may be shorter.

    A run has one stage, or several with a driver for each.

    The driver defines a step, such as an update of players or a transition of chains. A step
    depends on the state of the driver and on its counters alone, so a run that is restored from a
    checkpoint continues bit for bit. All processes of a run call every method together.
    """

    per_epoch: int
    total: int
    metrics: RunningMetrics

    @property
    def is_over(self) -> bool:
        """Whether the stage ends before its last step."""

    def restore(self, found: Checkpoint | None, counters: Counters) -> None:
        """Restores a checkpoint at these counters; without one the stage is new."""

    def take_over(self, states: Mapping[str, State]) -> None:
        """Takes over the state of the losses from the stage before."""

    def prepare(self, left: int) -> str:
        """Prepares for the `left` remaining steps; returns a message for the user, or ""."""

    def steps(self, counters: Counters, end: int) -> Iterator[None]:
        """Makes the steps of an epoch up to step `end` and yields after each."""

    def averaged(self) -> AbstractContextManager[None]:
        """A context in which the program has the parameters that would be the final ones."""

    def end_epoch(self, counters: Counters) -> Mapping[str, Any]:
        """Validates if validation is due; returns further metrics of the epoch."""

    def save(self, counters: Counters, logged: Mapping[str, Any]) -> None:
        """Writes a checkpoint; `logged` identifies the metrics written so far."""

    def failure(self, counters: Counters) -> RunFailure:
        """The reason why the step before these counters has no finite loss or gradient."""

    def finish(self, storage: Replicated) -> Mapping[str, State]:
        """Loads the final parameters of the stage; returns the state of the losses."""
