"""The construction of diagnostics from codes and evidence, and their messages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Diagnostic, Label, Severity
from specc.diagnostics.printable import escaped
from specc.diagnostics.source import Span

if TYPE_CHECKING:
    from specc.diagnostics.codes.code import Code

_LONGEST = 600
"""The maximum length of a value of the evidence in a message; longer ones are cut."""


def _code(name: str) -> Code:
    """The entry of a code. The first diagnostic loads the table, which most specs do not need."""
    from specc.diagnostics.codes import CODES

    return CODES[name]


@cache
def fields(code: str) -> frozenset[str]:
    """The names of the evidence in the templates of `code`; raises KeyError for an unknown code."""
    entry = _code(code)
    found = Formatter().parse(entry.message + entry.help)
    return frozenset(name for _, name, _, _ in found if name is not None)


def diagnose(
    code: str,
    span: Span,
    /,
    *,
    labels: Iterable[Label] = (),
    suggestion: str | None = None,
    **evidence: object,
) -> Diagnostic:
    """The diagnostic with the code `code` at `span`.

    Raises KeyError for an unknown code, and ValueError if the evidence does not match the templates
    of the code; both are bugs of specc.
    """
    if fields(code) != evidence.keys():
        needs, has = sorted(fields(code)), sorted(evidence)
        raise ValueError(f"{code} needs the evidence {needs}, not {has}")
    words = MappingProxyType({name: str(value) for name, value in evidence.items()})
    return Diagnostic(code, span, words, tuple(labels), suggestion)


def message(diagnostic: Diagnostic) -> str:
    """The message of a diagnostic: the problem in one sentence."""
    return _filled(_code(diagnostic.code).message, diagnostic)


def help_text(diagnostic: Diagnostic) -> str:
    """The likely fix: the suggestion, unless the help has it, followed by the help of the code."""
    fix = _filled(_code(diagnostic.code).help, diagnostic)
    guess = diagnostic.suggestion
    if guess is None or f"`{guess}`" in fix:
        return fix

    question = f"did you mean `{guess}`?"
    return f"{question} {fix}" if fix else question


def _filled(template: str, diagnostic: Diagnostic) -> str:
    """A template with the evidence, each value of which is cut to the maximum length."""
    words = {name: _shortened(escaped(value)) for name, value in diagnostic.evidence.items()}
    return template.format_map(words)


def _shortened(text: str) -> str:
    """The start and the end of a long text; of a list, whole entries."""
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    start, end = text[:half], text[-half:]
    if ", " in start and ", " in end:
        return f"{start.rpartition(', ')[0]}, ..., {end.partition(', ')[2]}"
    return f"{start}...{end}"


def severity(diagnostic: Diagnostic) -> Severity:
    """The severity: an error stops the compiler, a warning does not."""
    return _code(diagnostic.code).severity
