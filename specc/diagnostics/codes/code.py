"""One entry of the closed table of everything that specc can say about a spec."""

from __future__ import annotations

from dataclasses import dataclass

from specc.diagnostics.diagnostic import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding: its stable code, its name, and its words.

    `message` says what is wrong in the words of the model, `help` the likely fix ("" where there is
    none to give). Both are `str.format` templates over the evidence of a `Diagnostic`; a literal
    brace is doubled. A code never changes its meaning and is never used again for another one.
    """

    code: str
    name: str
    severity: Severity
    message: str
    help: str = ""


def error(code: str, name: str, message: str, help: str = "") -> Code:
    """A finding that stops the compiler after the current stage."""
    return Code(code, name, "error", message, help)


def warning(code: str, name: str, message: str, help: str = "") -> Code:
    """A finding that is worth knowing, with which the spec still compiles."""
    return Code(code, name, "warning", message, help)
