"""The outermost layer: every exception of a verb becomes a message and an exit code.

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
from specc.cli.terminal import echo_error, print_message


class Boundary:
    """A block whose exceptions end in `code`. `debug` is set by the option of that name.

    `system` is the message of a failed system call. A block does not repeat that of an `earlier`
    one: what could not be written to a full disk fails again at the last flush.
    """

    def __init__(self, arguments: Sequence[str], earlier: Boundary | None = None) -> None:
        self.arguments = tuple(arguments)
        self.system: str = "" if earlier is None else earlier.system
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
            return self._code_of(error)
        except OSError:  # stderr is closed or full: only the exit code is left
            return exits.FAILED

    def _code_of(self, error: BaseException) -> int:
        """Prints the message of an error and returns its exit code."""
        if isinstance(error, typer.Exit):
            return error.exit_code
        if isinstance(error, typer.TyperException):
            return _report_usage(error)
        if isinstance(error, (KeyboardInterrupt, typer.Abort)):
            print_message("interrupted")
            return exits.INTERRUPTED
        if isinstance(error, Failure):
            print_message(error.message, error.hint)
            return error.exit_code
        if isinstance(error, WrongSpec):
            echo_error(error.text)
            return exits.WRONG
        if isinstance(error, OSError):
            return self._report_system(error)
        return _report_run(error) or self._report_bug(error)

    def _report_system(self, error: OSError) -> int:
        """Reports a failed system call; a closed pipe needs no message."""
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        message = f"{where}{reason(error)}"
        if error.errno != errno.EPIPE and message != self.system:
            self.system = message
            print_message(message)
        return exits.FAILED

    def _report_bug(self, error: BaseException) -> int:
        what = traceback.format_exception_only(error)[-1].strip()
        print_message(f"this is a bug in specc, not in your files: {what}")
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


def _report_usage(error: typer.TyperException) -> int:
    """A wrong command line: the usage of the verb, and the error."""
    from specc.cli.suggestion import plain, suggestion

    context = getattr(error, "ctx", None)
    message = plain(error.format_message())
    if context is not None and not message.startswith("Usage:"):  # else it is the help itself
        echo_error(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n")
    title = "" if message.startswith("Usage:") else f"{typer.style('Error:', fg='red', bold=True)} "
    echo_error(f"{title}{message}{suggestion(error)}")
    return exits.WRONG


def _report_run(error: BaseException) -> int | None:
    """A failure of the run time, which has its exit code; None for another exception."""
    from specc.runtime.failure import RunFailure

    if not isinstance(error, RunFailure):
        return None
    place = f"{error.place}: " if error.place else ""
    print_message(f"{place}{error.message} [{error.code}]", error.hint)
    return error.exit_code


def crash_report(arguments: Sequence[str], error: BaseException) -> str:
    """The report for a maintainer: versions, the command, and the traceback."""
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
    """Flush both streams while a failure can still be reported; raises OSError."""
    sys.stdout.flush()
    sys.stderr.flush()


def abandon_output() -> None:
    """Redirect stdout to the null device, so that the flush at exit raises nothing."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
