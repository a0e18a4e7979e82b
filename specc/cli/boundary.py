"""The outermost edge: every way for a verb to end becomes an exit code and words, no traceback.

Only an error of specc itself has a traceback, and it goes to a file, or to the terminal under
`--debug`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

import typer

from specc.cli import exits
from specc.cli.failure import Failure, WrongSpec, reason
from specc.cli.terminal import echo_error, say


class Boundary:
    """A block whose exceptions end in `code`. `debug` is set by the option of that name."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = tuple(arguments)
        self.debug = False
        self.code = exits.DONE

    def __enter__(self) -> Boundary:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            return True
        if isinstance(error, SystemExit):
            return False
        self.code = self._report(error)
        return True

    def _report(self, error: BaseException) -> int:
        try:
            return self._say(error)
        except OSError:  # stderr is closed or full: the code is all that can still be told
            return exits.FAILED

    def _say(self, error: BaseException) -> int:
        if isinstance(error, typer.Exit):
            return error.exit_code
        if isinstance(error, typer.TyperException):
            return _say_usage(error)
        if isinstance(error, (KeyboardInterrupt, typer.Abort)):
            say("interrupted")
            return exits.INTERRUPTED
        if isinstance(error, Failure):
            say(error.message, error.hint)
            return error.exit_code
        if isinstance(error, WrongSpec):
            echo_error(error.text)
            return exits.WRONG
        if isinstance(error, OSError):
            return _say_system(error)
        return _say_run(error) or self._say_bug(error)

    def _say_bug(self, error: BaseException) -> int:
        what = traceback.format_exception_only(error)[-1].strip()
        say(f"this is a bug in specc, not in your files: {what}")
        report = crash_report(self.arguments, error)
        if self.debug:
            echo_error(report.rstrip("\n"))
            return exits.BUG
        try:
            hint = f"report it with {_store(report)}, and with the spec if you can share it"
            echo_error(f"  {hint}")
        except OSError:
            echo_error(report.rstrip("\n"))
        return exits.BUG


def _say_usage(error: typer.TyperException) -> int:
    """A command line that cannot be read: how it is written, and what is wrong."""
    from specc.cli.usage import lead

    context = getattr(error, "ctx", None)
    message = error.format_message()
    if context is not None and not message.startswith("Usage:"):  # else it is the help itself
        echo_error(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n")
    title = "" if message.startswith("Usage:") else f"{typer.style('Error:', fg='red', bold=True)} "
    echo_error(f"{title}{message}{lead(error)}")
    return exits.WRONG


def _say_system(error: OSError) -> int:
    """Input and output that the system refused; a reader that went away needs no words."""
    if error.errno == errno.EPIPE:
        return exits.FAILED
    where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    say(f"{where}{reason(error)}")
    return exits.FAILED


def _say_run(error: BaseException) -> int | None:
    """The run time's own failures, which carry their exit code."""
    from specc.runtime.failure import RunFailure

    if not isinstance(error, RunFailure):
        return None
    place = f"{error.place}: " if error.place else ""
    say(f"{place}{error.message} [{error.code}]", error.hint)
    return error.exit_code


def crash_report(arguments: Sequence[str], error: BaseException) -> str:
    """What a maintainer needs: versions, the command, and the traceback."""
    from specc.cli.version import version

    trace = "".join(traceback.format_exception(error))
    return (
        f"specc {version()}, Python {platform.python_version()}, {platform.platform()}\n"
        f"arguments: {list(arguments)!r}\n{trace}"
    )


def _store(report: str) -> str:
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="specc-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(report)
    return path


def flush() -> None:
    """Write out what is buffered while a failure can still be reported; raises OSError."""
    sys.stdout.flush()
    sys.stderr.flush()


def abandon_output() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit stays silent."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
