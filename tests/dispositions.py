"""What a process does on a signal, which it inherits from whatever started it."""

from __future__ import annotations

import signal
from contextlib import contextmanager

USUAL = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""What Python does where nobody has changed it."""


@contextmanager
def usual():
    """Within it, this process and the ones it starts react to signals as from a terminal.

    `nohup` ignores SIGHUP and a shell ignores SIGINT of what it runs in the background; both pass
    to every process below.
    """
    before = {number: signal.signal(number, handler) for number, handler in USUAL.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
