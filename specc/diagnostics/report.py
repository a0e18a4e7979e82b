"""From a code and its evidence to a diagnostic, and from a diagnostic to its words."""

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

_LONGEST = 400
"""Letters of one piece of evidence in a message; a key of a megabyte is not printed in full."""


def _code(name: str) -> Code:
    """The entry of a code. The table is loaded with the first finding: most specs have none."""
    from specc.diagnostics.codes import CODES

    return CODES[name]


@cache
def fields(code: str) -> frozenset[str]:
    """The evidence that the words of `code` need. Raises KeyError for an unknown code."""
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
    """A finding of kind `code` at `span`.

    Raises KeyError for an unknown code, and ValueError where the evidence is not exactly what the
    words of the code need: either one is a bug of specc, never of a spec.
    """
    if fields(code) != evidence.keys():
        needs, has = sorted(fields(code)), sorted(evidence)
        raise ValueError(f"{code} needs the evidence {needs}, not {has}")
    words = MappingProxyType({name: str(value) for name, value in evidence.items()})
    return Diagnostic(code, span, words, tuple(labels), suggestion)


def message(diagnostic: Diagnostic) -> str:
    """What is wrong, in one sentence."""
    return _filled(_code(diagnostic.code).message, diagnostic)


def help_text(diagnostic: Diagnostic) -> str:
    """The likely fix: the suggestion, unless the help of the code names it, then the help."""
    fix = _filled(_code(diagnostic.code).help, diagnostic)
    guess = diagnostic.suggestion
    if guess is None or f"`{guess}`" in fix:
        return fix

    question = f"did you mean `{guess}`?"
    return f"{question} {fix}" if fix else question


def _filled(template: str, diagnostic: Diagnostic) -> str:
    """The words of a code with the evidence in them, each piece of which stays short."""
    words = {name: _shortened(escaped(value)) for name, value in diagnostic.evidence.items()}
    return template.format_map(words)


def _shortened(text: str) -> str:
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"


def severity(diagnostic: Diagnostic) -> Severity:
    """Whether the finding stops the compiler."""
    return _code(diagnostic.code).severity
