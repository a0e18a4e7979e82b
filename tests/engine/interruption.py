"""Training that a signal interrupts after a certain step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from specc.engine.step.step import Step


@contextmanager
def interrupted(epoch: int, number: int) -> Iterator[None]:
    """A signal of the terminal, Ctrl-C, arrives after step `number` of `epoch`."""
    step = Step.__call__

    def stop(self, at, batch, *rows):
        found = step(self, at, batch, *rows)
        if (at, batch) == (epoch, number):
            signal.raise_signal(signal.SIGINT)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Step, "__call__", stop)
        yield
