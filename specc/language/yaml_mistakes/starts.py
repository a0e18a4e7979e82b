"""Mistakes at the start of a value: reserved characters, tabs, tags, directives."""

from __future__ import annotations

import re

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.language.yaml_mistakes.endings import leftover
from specc.language.yaml_mistakes.failure import Failure, shortened

_MEANINGS = {
    "*": "it repeats a value that `&` has named",
    "&": "it names a value",
    "|": "it starts a block of text on the next lines",
    ">": "it starts a block of text on the next lines",
    "%": "it starts an instruction to the YAML reader",
    "?": "it starts a key of several lines",
    "-": "it starts an item of a list of lines",
    ",": "it separates the entries of [ ] and { }",
}


def cannot_start(failure: Failure) -> Diagnostic:
    """A reserved or special character at the start of a value."""
    if failure.is_after_value(failure.since):
        return leftover(failure, failure.since)
    char = failure.text[failure.since : failure.since + 1]
    meaning = _MEANINGS.get(char, "YAML reserves it")
    span = failure.span(failure.since, failure.since + 1)
    name = "a backtick" if char == "`" else f"`{char}`"
    return diagnose("E0022", span, character=name, meaning=meaning)


def is_in_tab(failure: Failure) -> bool:
    """Whether a tab is in the indentation of the line."""
    indent = re.compile(r"[ \t]*").match(failure.text, failure.line_start)
    return indent is not None and "\t" in indent[0]


def tab(failure: Failure) -> Diagnostic:
    """Tabs as indentation."""
    start = failure.text.find("\t", failure.line_start)
    run = re.compile(r"\t+").match(failure.text, start)
    return diagnose("E0005", failure.span(start, run.end() if run else start + 1))


def tag(failure: Failure) -> Diagnostic:
    """A tag; specs have no tags."""
    match = re.compile(r"[^\s,\[\]{}]+").match(failure.text, failure.since)
    found = match[0] if match else "!"
    span = failure.span(failure.since, failure.since + len(found))
    return diagnose("E0009", span, tag=shortened(found))


def directive(failure: Failure) -> Diagnostic:
    """A YAML directive; specs have no directives."""
    start = failure.text.rfind("\n", 0, failure.since) + 1
    line = failure.line_at(start)
    return diagnose("E0030", failure.span(start, start + len(line)), directive=shortened(line))


def unknown(failure: Failure) -> Diagnostic:
    """A syntax error without a known likely mistake; shows the message of the parser."""
    problem = failure.problem or "the text ends in the middle of something"
    fix = "compare the line with its neighbours"
    return diagnose("E0016", failure.span(failure.at, failure.at + 1), problem=problem, fix=fix)
