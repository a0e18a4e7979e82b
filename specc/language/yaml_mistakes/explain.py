"""Diagnostics for syntax errors of the YAML parser.

libyaml reports, for example, "while parsing a block mapping: did not find expected key". The likely
mistake follows from the character at the place of the error, and from the open brackets and blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from specc.diagnostics.diagnostic import Diagnostic
from specc.language.build import Builder
from specc.language.yaml_mistakes import brackets, endings, lines, starts
from specc.language.yaml_mistakes.failure import Failure


def explain(builder: Builder, error: yaml.MarkedYAMLError) -> Diagnostic | None:
    """The diagnostic of a syntax error; None if the previous diagnostic has the same cause."""
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(builder.text)) if mark else len(builder.text)
    since = min(error.context_mark.index, at) if error.context_mark else at
    failure = Failure(builder, error.problem or "", error.context or "", at, since)
    if _is_reported(failure):
        return None
    _remove_consequence(failure)
    if starts.is_in_tab(failure):
        return starts.tab(failure)
    for pattern, explanation in _EXPLANATIONS:
        if pattern.search(f"{failure.context}: {failure.problem}"):
            return explanation(failure)
    return starts.unknown(failure)


def _is_reported(failure: Failure) -> bool:
    """Whether the last diagnostic has the same cause: the missing space of `z:{a: 1, b: 2}`."""
    last = failure.builder.findings[-1] if failure.builder.findings else None
    if last is None or last.code not in ("E0018", "E0021", "E0039"):
        return False
    return "\n" not in failure.text[last.span.end : failure.at]


def _remove_consequence(failure: Failure) -> None:
    """Remove the diagnostic of a missing value that follows from the error: `b` of `{'b' c}`."""
    findings = failure.builder.findings
    last = findings[-1] if findings else None
    if last is None or last.code != "E0026":
        return
    if not failure.text[last.span.end : failure.at].strip():
        findings.pop()


# Each pattern matches the messages of libyaml and of the parser of PyYAML.
_EXPLANATIONS: tuple[tuple[re.Pattern[str], Callable[[Failure], Diagnostic]], ...] = tuple(
    (re.compile(pattern), explanation)
    for pattern, explanation in (
        (r"mapping values are not allowed", lines.second_colon),
        (r"expected ',' or '[\]}]'", brackets.entry),
        (r"found unexpected ':'", brackets.glued_colon),
        (
            r"expected key|expected '-' indicator|<block end>|<document start>",
            lines.neither_key_nor_item,
        ),
        (r"sequence entries are not allowed", brackets.list_on_line),
        (r"mapping keys are not allowed|cannot start any token", starts.cannot_start),
        (r"scanning an? (alias|anchor)", starts.cannot_start),
        (r"could not find expected ':'", lines.key_without_colon),
        (r"expected (the )?node content", brackets.no_content),
        (r"scanning a quoted scalar: found unexpected", endings.quote_open),
        (r"quoted scalar", endings.escape),
        (r"scanning a block scalar", starts.cannot_start),
        (r"a tag: |tag handle", starts.tag),
        (r"directive|YAML document", starts.directive),
    )
)
