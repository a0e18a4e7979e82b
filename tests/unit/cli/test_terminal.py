"""Colour: on a terminal, where it is forced, and never under NO_COLOR or in a file."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.unit.cli.running import process

COMMAND = ("check", "specs/none.yaml")


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a process writes to a terminal."""
    ours, theirs = pty.openpty()
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-m", "specc", *arguments],
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm", **environment},
    ) as running:
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            written += chunk
        running.wait()
    os.close(ours)
    return written.decode()


@pytest.mark.parametrize(
    "environment, coloured",
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    ids=["terminal", "no-color", "empty-no-color", "dumb"],
)
def test_a_terminal_shows_findings_in_colour_unless_it_is_refused(environment, coloured):
    written = on_a_terminal(*COMMAND, **environment)
    assert "error[E0703]" in written.replace("\x1b[1;31m", "").replace("\x1b[0m", "")
    assert ("\x1b[1;31m" in written) == coloured
    assert ("\x1b[" in written) == coloured


def test_a_file_gets_no_colour_unless_it_is_forced():
    assert "\x1b" not in process(*COMMAND).out
    assert "\x1b[1;31m" in process(*COMMAND, FORCE_COLOR="1").out
    assert "\x1b" not in process(*COMMAND, FORCE_COLOR="1", NO_COLOR="1").out


def test_failures_and_wrong_usage_are_coloured_too():
    assert "\x1b[31m" in process("new", "xyzzy", FORCE_COLOR="1").err
    assert "\x1b[31m" in process("new", "--xyzzy", FORCE_COLOR="1").err
    assert "\x1b[1mWrite" in process("--help", FORCE_COLOR="1").out
