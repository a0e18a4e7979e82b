"""Scripts in separate processes, which tests kill and resume.

Each is a fork of a process that has imported torch, so that it starts at once: a new interpreter
takes several seconds of processor time.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import sys
import tempfile
import warnings
import weakref
from pathlib import Path

TRAIN = """
import sys
from pathlib import Path
from specc.engine import device
device.prepare()
from specc.engine.train import Options, train
from specc.runtime.failure import RunFailure
try:
    train(Path(sys.argv[1]), Path(sys.argv[2]), Options(resume=True, quiet=True, threads=1))
except RunFailure as failure:
    print(failure.code, failure, file=sys.stderr)
    sys.exit(failure.exit_code)
"""
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.engine.preloaded"])


class ScriptProcess:
    """A process that executes a script, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, script: str, *arguments: object, **environment: str) -> None:
        self._folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        inputs = (script, [*map(str, arguments)], environment, self._folder)
        self._process = FORKS.Process(target=_execute, args=inputs, daemon=True)
        self._process.start()

    def send_signal(self, number: int) -> None:
        """Sends a signal to the process if it still runs."""
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kills the process."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int | None:
        """Waits for the end of the process; returns its status."""
        self._process.join(timeout)
        return self.returncode

    def poll(self) -> int | None:
        """The status of the process, None while it runs."""
        return self.returncode

    @property
    def returncode(self) -> int | None:
        """The status of the process, minus the number of a signal that ended it."""
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for the end of the process; returns what it printed on stdout and on stderr."""
        assert self.wait(timeout) is not None, "the process does not end"
        out, err = (Path(self._folder, name) for name in ("out", "err"))
        return out.read_text(), err.read_text()


def _execute(script: str, arguments: list[str], environment: dict[str, str], folder: str) -> None:
    for name, stream in (("out", 1), ("err", 2)):
        with Path(folder, name).open("w") as file:
            os.dup2(file.fileno(), stream)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    warnings.simplefilter("ignore")
    exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})


def start(code: Path, run: Path) -> ScriptProcess:
    """Starts or resumes training in a process."""
    return ScriptProcess(TRAIN, code, run)


def ranks(script: str, *arguments: object, size: int = 2) -> list[ScriptProcess]:
    """Starts a process for each rank with the environment variables that torchrun sets."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    given = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(size)}
    return [ScriptProcess(script, *arguments, **given, RANK=str(rank)) for rank in range(size)]
