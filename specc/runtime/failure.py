"""Failures of a run, with messages for the user."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

ExitCode = Literal[1, 2, 3, 75]

FAILED: ExitCode = 3
USAGE: ExitCode = 2
INTERRUPTED: ExitCode = 75


class RunFailure(Exception):
    """A failure that ends a run.

    `code` is a diagnostic code (E05xx for data, E08xx for runs), `message` one sentence on the
    problem, `hint` the likely fix, `place` a line of the spec or a row and column of a file, and
    `exit_code` the exit status of the command line.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        place: str = "",
        exit_code: ExitCode = FAILED,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Callable[[], RunFailure], tuple[()]]:
        """Pickling, by which processes exchange failures."""
        options = {"hint": self.hint, "place": self.place, "exit_code": self.exit_code}
        return partial(RunFailure, self.code, self.message, **options), ()  # type: ignore[arg-type]

    def __str__(self) -> str:
        """Place, message and hint, as one line of text."""
        place = f"{self.place}: " if self.place else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint}"
