"""Every way for a verb to end: an exit code and words."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from specc.cli import exits
from specc.cli.boundary import Boundary, crash_report
from specc.cli.failure import Failure, WrongSpec, usage
from specc.runtime.failure import RunFailure
from tests.unit.cli.running import process


def ends(error: BaseException, debug: bool = False) -> int:
    boundary = Boundary(["train", "vae.yaml"])
    boundary.debug = debug
    with boundary:
        raise error
    return boundary.code


@pytest.mark.parametrize(
    "error, code, words",
    [
        (Failure("it failed", "try this"), 3, "specc: it failed\n  try this\n"),
        (usage("it is wrong"), 2, "specc: it is wrong\n"),
        (
            RunFailure("E0805", "it cannot", hint="do this", place="vae.yaml:3:1"),
            3,
            "specc: vae.yaml:3:1: it cannot [E0805]\n  do this\n",
        ),
        (RunFailure("E0811", "stopped", exit_code=75), 75, "specc: stopped [E0811]\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 3, "specc: no space left on device\n"),
        (
            PermissionError(errno.EACCES, "Permission denied", "a"),
            3,
            "specc: a: permission denied\n",
        ),
        (WrongSpec("error[E0201]: no `z`"), 2, "error[E0201]: no `z`\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 3, ""),
        (KeyboardInterrupt(), 130, "specc: interrupted\n"),
        (typer.Abort(), 130, "specc: interrupted\n"),
    ],
)
def test_what_a_user_can_meet_has_words_and_a_code(capsys, error, code, words):
    assert ends(error) == code
    assert capsys.readouterr().err == words


def test_wrong_usage_ends_with_2(capsys):
    assert ends(typer.BadParameter("no such option")) == 2
    assert "no such option" in capsys.readouterr().err


def test_a_bug_names_a_report_and_shows_no_traceback(capsys):
    assert ends(KeyError("z")) == exits.BUG == 70
    err = capsys.readouterr().err
    assert err.startswith("specc: this is a bug in specc, not in your files: KeyError: 'z'\n")
    assert "Traceback" not in err
    path = Path(err.split("report it with ")[1].split(",")[0])
    report = path.read_text()
    path.unlink()
    assert "Traceback" in report and "KeyError: 'z'" in report
    assert "arguments: ['train', 'vae.yaml']" in report


def test_a_bug_under_debug_shows_the_traceback(capsys):
    assert ends(KeyError("z"), debug=True) == 70
    err = capsys.readouterr().err
    assert "Traceback" in err and "report it with" not in err


def test_a_bug_is_reported_even_where_no_report_can_be_stored(capsys, monkeypatch):
    import tempfile

    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    assert ends(KeyError("z")) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_report_survives_any_argument():
    assert "\\udc80" in crash_report(["\udc80"], ValueError("x"))


def test_system_exit_passes():
    with pytest.raises(SystemExit), Boundary([]):
        raise SystemExit(4)


def test_a_closed_stderr_leaves_the_code(monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(typer, "echo", refuse)
    assert ends(Failure("x")) == 3


SPECC = [sys.executable, "-m", "specc"]


def test_a_reader_that_goes_away_meets_silence():
    with subprocess.Popen(
        [*SPECC, "completion", "bash"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_reported_once(unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*SPECC, "completion", "bash"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    assert done.stderr == b"specc: no space left on device\n"
    assert done.returncode == 3


def test_a_terminal_that_knows_only_ascii(tmp_path):
    result = process("new", "vae", tmp_path / "ä.yaml", PYTHONIOENCODING="ascii:strict")
    assert result.code == 2
    assert "`ä` cannot name a model" in result.err


def test_a_file_name_that_is_not_utf8(tmp_path):
    result = process("new", "vae", os.fsencode(str(tmp_path)) + b"/\xff.yaml")
    assert result.code == 2
    assert "cannot name a model" in result.err
