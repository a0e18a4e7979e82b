"""Command lines run in this process or in a new one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from specc.cli.main import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def run(capsys, *arguments: object) -> Result:
    """The verb's result in this process."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return Result(code, out, err)


def process(*arguments: object, stdin: bytes = b"", cwd=None, **environment: str) -> Result:
    """The result of the verb in a new process."""
    done = subprocess.run(
        [sys.executable, "-m", "specc", *map(word, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=600,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Result(done.returncode, out, err)


def word(argument: object) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)
