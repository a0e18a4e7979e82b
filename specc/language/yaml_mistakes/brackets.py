"""Mistakes inside `{ }` and `[ ]`: brackets, commas and colons."""

from __future__ import annotations

import re

from msgspec.structs import replace

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.language.flow import CLOSING, OPENING, closing_of, unclosed
from specc.language.yaml_mistakes.endings import leftover, quote_over_lines, surplus
from specc.language.yaml_mistakes.failure import Failure, shortened
from specc.language.yaml_mistakes.starts import cannot_start, unknown

_WORD = re.compile(r"[\"']?[\w.]+[\"']?|\S")
_LAST_WORD = re.compile(r"[^\s,\[\]{}]+\s*$")


def never_closed(failure: Failure, opening: int) -> Diagnostic:
    """A bracket that is not closed: the one at `opening`, or one inside it."""
    place, closer = unclosed(failure.text, opening)
    bracket = failure.text[place : place + 1]
    labels: tuple[Label, ...] = ()
    if closer is not None and failure.text[closer + 1 :].lstrip(" ").startswith(CLOSING[bracket]):
        wrong = failure.text[closer]  # `{shape: 16]}`: the brackets match without it
        span = failure.span(closer, closer + 1)
        return diagnose("E0028", span, found=wrong, opening=OPENING[wrong])
    if closer is not None:
        label = f"this `{failure.text[closer]}` does not close it"
        labels = (Label(failure.span(closer, closer + 1), label),)
    elif failure.char and failure.line_start > place:
        label = "this line is still read as part of it"
        labels = (Label(failure.span(failure.line_start, failure.at), label),)
    span = failure.span(place, place + 1)
    return diagnose("E0018", span, labels=labels, opening=bracket, closing=CLOSING[bracket])


def entry(failure: Failure) -> Diagnostic:
    """Text instead of a comma or a closing bracket."""
    flow, last = failure.flow, failure.builder.last
    if flow is None:
        return unknown(failure)
    if last is not None and last.style in ("single", "double") and "\n" in last.span.text:
        return quote_over_lines(failure, last)
    if not failure.char or failure.char in OPENING or closing_of(failure.text, flow.start) is None:
        return never_closed(failure, flow.start)
    if failure.char == ":":
        return _colon(failure, flow.start)
    is_operator = failure.char in tuple("+-*/@") and failure.is_after_value(failure.at)
    if is_operator or failure.text[failure.at - 1] in "'\"":
        return leftover(failure, failure.at)
    if failure.char in CLOSING and flow.is_mapping:
        return _bracket_after_word(failure)
    return _comma_missing(failure, failure.at)


def _colon(failure: Failure, opening: int) -> Diagnostic:
    """A missing comma, as in `{a: b c: d}`, or a second colon, as in `{a: b: c}`."""
    word = _LAST_WORD.search(failure.text[opening + 1 : failure.at])
    start = opening + 1 + word.start() if word else failure.at
    if re.search(r":\s*$", failure.text[failure.line_start : start]):
        return surplus(failure) or diagnose("E0025", failure.span(failure.at, failure.at + 1))
    return _comma_missing(failure, start)


def _bracket_after_word(failure: Failure) -> Diagnostic:
    """A missing colon, as in `{mlp [500, 500]}`, or comma, as in `{f: relu [500]}`."""
    word = re.search(r"([\[{,])\s*(\w+)\s*$", failure.before)
    if word is None:
        return _comma_missing(failure, failure.at)
    start = failure.line_start + word.start(2)
    fix = f"write `{word[2]}: {failure.char}...`"
    return diagnose("E0021", failure.span(start, start + len(word[2])), text=word[2], fix=fix)


def _comma_missing(failure: Failure, start: int) -> Diagnostic:
    match = _WORD.match(failure.text, start)
    found = match[0] if match else failure.char
    assert failure.flow is not None
    closing = CLOSING[failure.text[failure.flow.start]]
    span = failure.span(start, start + len(found))
    return diagnose("E0031", span, closing=closing, found=shortened(found))


def glued_colon(failure: Failure) -> Diagnostic:
    """A colon inside brackets without a space after it, as in `{a:[1]}` or `{a:, b: 1}`."""
    key = failure.text[failure.since : failure.at]
    span = failure.span(failure.since, failure.at + 1)
    return diagnose("E0039", span, text=shortened(f"{key}:"), fix=shortened(f"{key}: ..."))


def no_content(failure: Failure) -> Diagnostic:
    """A character that cannot start a value in the place of one."""
    flow = failure.flow
    if flow is not None and (not failure.char or failure.char in ("}", "]")):
        return never_closed(failure, flow.start)
    if failure.char in ("}", "]"):
        span = failure.span(failure.at, failure.at + 1)
        return diagnose("E0028", span, found=failure.char, opening=OPENING[failure.char])
    if failure.char == "," and flow is not None:
        return diagnose("E0038", failure.span(failure.at, failure.at + 1))
    if failure.char == ":":
        span = failure.span(failure.at, failure.at + 1)
        return diagnose("E0013", span, found="nothing", fix="write a name before the colon")
    return cannot_start(replace(failure, since=failure.at)) if failure.char else unknown(failure)


def list_on_line(failure: Failure) -> Diagnostic:
    """A `-` that starts an item of a list where no block list is allowed."""
    unread = failure.text[failure.builder.position : failure.at]
    if failure.flow is not None or re.search(r"[\[{]", unread):
        return cannot_start(replace(failure, since=failure.at))
    return diagnose("E0037", failure.span(failure.at, failure.at + 1))
