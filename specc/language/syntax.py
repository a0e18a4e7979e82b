"""The parser's complaints about YAML, told again in plain words and at the place of the mistake.

libyaml says "while parsing a block mapping: did not find expected key"; which slip of a person that
was follows from the character at the place, and from what is open there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from specc.diagnostics.diagnostic import Diagnostic
from specc.language import slips_block, slips_flow, slips_leftover, slips_start
from specc.language.build import Builder
from specc.language.failure import Failure


def retell(builder: Builder, error: yaml.MarkedYAMLError) -> Diagnostic | None:
    """The finding for a text that is not YAML; None where the last finding has told it already."""
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(builder.text)) if mark else len(builder.text)
    since = min(error.context_mark.index, at) if error.context_mark else at
    failure = Failure(builder, error.problem or "", error.context or "", at, since)
    if _is_told(failure):
        return None
    _forget_what_it_caused(failure)
    if slips_start.is_in_tab(failure):
        return slips_start.tab(failure)
    for pattern, tell in _STORIES:
        if pattern.search(f"{failure.context}: {failure.problem}"):
            return tell(failure)
    return slips_start.unknown(failure)


def _is_told(failure: Failure) -> bool:
    """`z:{a: 1, b: 2}`: the space that is missing after the colon explains the rest of the line."""
    last = failure.builder.findings[-1] if failure.builder.findings else None
    if last is None or last.code not in ("E0018", "E0021", "E0039"):
        return False
    return "\n" not in failure.text[last.span.end : failure.at]


def _forget_what_it_caused(failure: Failure) -> None:
    """`{'b' c}`: that `b` has no value is no cause of its own."""
    findings = failure.builder.findings
    last = findings[-1] if findings else None
    if last is None or last.code != "E0026":
        return
    if not failure.text[last.span.end : failure.at].strip():
        findings.pop()


# Each pattern fits what libyaml says, and what PyYAML's own parser says.
_STORIES: tuple[tuple[re.Pattern[str], Callable[[Failure], Diagnostic]], ...] = tuple(
    (re.compile(pattern), tell)
    for pattern, tell in (
        (r"mapping values are not allowed", slips_block.second_colon),
        (r"expected ',' or '[\]}]'", slips_flow.entry),
        (r"found unexpected ':'", slips_flow.glued_colon),
        (
            r"expected key|expected '-' indicator|<block end>|<document start>",
            slips_block.neither_key_nor_item,
        ),
        (r"sequence entries are not allowed", slips_flow.list_on_line),
        (r"mapping keys are not allowed|cannot start any token", slips_start.cannot_start),
        (r"scanning an? (alias|anchor)", slips_start.cannot_start),
        (r"could not find expected ':'", slips_block.key_without_colon),
        (r"expected (the )?node content", slips_flow.no_content),
        (r"scanning a quoted scalar: found unexpected", slips_leftover.quote_open),
        (r"quoted scalar", slips_leftover.escape),
        (r"scanning a block scalar", slips_start.cannot_start),
        (r"a tag: |tag handle", slips_start.tag),
        (r"directive|YAML document", slips_start.directive),
    )
)
