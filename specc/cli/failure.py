"""A failure that the user can act on."""

from __future__ import annotations

from specc.cli.exits import FAILED, WRONG


class Failure(Exception):
    """A message of one sentence, the likely fix, and the exit code."""

    def __init__(self, message: str, hint: str = "", exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class WrongSpec(Exception):
    """A spec has errors, and the verb needs one without; `text` has its findings as printed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def usage(message: str, hint: str = "") -> Failure:
    """The failure of a wrong command line or a wrong spec."""
    return Failure(message, hint, WRONG)


def reason(error: OSError) -> str:
    """The message of the operating system, in lower case: `no such file or directory`."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
