"""An entry of the closed table of all diagnostics."""

from __future__ import annotations

from msgspec import Struct

from specc.diagnostics.diagnostic import Severity


class Code(Struct, frozen=True):
    """A kind of diagnostic: its stable code, its name, and its message templates.

    `message` states the problem in terms of the model, `help` the likely fix ("" if there is
    none). Both are `str.format` templates over the arguments of a `Diagnostic`; a literal brace is
    doubled. A code never changes its meaning and is never reused for another one.
    """

    code: str
    name: str
    severity: Severity
    message: str
    help: str = ""


def error(code: str, name: str, message: str, help: str = "") -> Code:
    """An error, which stops the compiler after the current stage."""
    return Code(code, name, "error", message, help)


def warning(code: str, name: str, message: str, help: str = "") -> Code:
    """A warning, with which the spec still compiles."""
    return Code(code, name, "warning", message, help)
