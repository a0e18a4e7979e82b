"""Signals that interrupt a run: the step is finished and the run is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether a signal has requested that the run stop."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, number: int, frame: FrameType | None) -> None:
        """Records a signal; the next one has its usual effect."""
        del frame
        self.requested = True
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """A context in which the first SIGINT, SIGTERM or SIGHUP sets `requested` and nothing else.

    SIGHUP is sent when the terminal closes; under `nohup` it stays ignored.
    """
    found = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {n: signal.signal(n, found.request) for n in numbers}
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
