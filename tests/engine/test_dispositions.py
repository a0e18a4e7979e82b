"""Tests of signals do not depend on the signal handlers of the process that starts them."""

import signal
import subprocess
import sys

import pytest

from tests import dispositions

SHOW = "import signal; print(*[signal.getsignal(s) for s in (1, 2, 15)])"


@pytest.fixture
def ignored():
    """Ignores signals, as `nohup` and background jobs of scripts do."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in dispositions.USUAL}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_tests_here_have_the_usual_ones():
    assert {n: signal.getsignal(n) for n in dispositions.USUAL} == dispositions.USUAL


def test_signals_that_are_ignored_come_back(ignored):
    with dispositions.usual():
        assert {n: signal.getsignal(n) for n in dispositions.USUAL} == dispositions.USUAL
        shown = subprocess.run([sys.executable, "-S", "-c", SHOW], capture_output=True, text=True)
        assert "IGN" not in shown.stdout and "default_int_handler" in shown.stdout
    assert {signal.getsignal(n) for n in dispositions.USUAL} == {signal.SIG_IGN}
