"""The parser's complaints about YAML, told again in plain words and at the place of the mistake.

libyaml says "while parsing a block mapping: did not find expected key"; which slip of a person that
was follows from the character at the place, and from what is open there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.language.build import Builder, Frame
from specc.language.flow import CLOSING, OPENING, closing_of, expression_end
from specc.language.located import Scalar

_WORD = re.compile(r"[\"']?[\w.]+[\"']?|\S")
_GLUED = re.compile(r"([A-Za-z_]\w*)\s*:(\S.*)")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the parser gave up: `at`, and `since`, the start of what it was reading there."""

    builder: Builder
    problem: str
    context: str
    at: int
    since: int

    @property
    def text(self) -> str:
        """The text that was read."""
        return self.builder.text

    @property
    def char(self) -> str:
        """The character at the place; empty at the end of the text."""
        return self.text[self.at : self.at + 1]

    @property
    def line_start(self) -> int:
        """Where the line of the place starts."""
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def before(self) -> str:
        """What stands on the line before the place."""
        return self.text[self.line_start : self.at]

    @property
    def rest(self) -> str:
        """What stands on the line from the place on, without a comment."""
        return self.line_at(self.at)

    @property
    def flow(self) -> Frame | None:
        """The innermost open `{ }` or `[ ]`."""
        frames = self.builder.frames
        return frames[-1] if frames and frames[-1].is_flow else None

    def line_at(self, start: int) -> str:
        """The text from `start` to the end of its line, without a comment."""
        line = self.text[start:].split("\n", 1)[0]
        return re.split(r"\s#", line, maxsplit=1)[0].rstrip()

    def span(self, start: int, end: int) -> Span:
        """A range of the source that is never beyond its end."""
        size = len(self.text)
        return self.builder.span(min(start, size), min(max(start, end), size))


def retell(builder: Builder, error: yaml.MarkedYAMLError) -> Diagnostic:
    """The one finding for a text that is not YAML."""
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(builder.text)) if mark else len(builder.text)
    since = min(error.context_mark.index, at) if error.context_mark else at
    _forget_what_it_caused(builder, at)
    failure = Failure(builder, error.problem or "", error.context or "", at, since)
    if _in_tab(failure):
        return _tab(failure)
    for pattern, tell in _STORIES:
        if pattern.search(f"{failure.context}: {failure.problem}"):
            return tell(failure)
    return _unknown(failure)


def _forget_what_it_caused(builder: Builder, at: int) -> None:
    """`{'b' c}`: that `b` has no value is no cause of its own."""
    last = builder.findings[-1] if builder.findings else None
    if last is not None and last.code == "E0026":
        between = builder.text[last.span.end : at]
        if not between.strip():
            builder.findings.pop()


def _unknown(failure: Failure) -> Diagnostic:
    problem = failure.problem or "the text ends in the middle of something"
    fix = "compare the line with its neighbours"
    return diagnose("E0016", failure.span(failure.at, failure.at + 1), problem=problem, fix=fix)


def _in_tab(failure: Failure) -> bool:
    indent = re.match(r"[ \t]*", failure.text[failure.line_start :])
    return indent is not None and "\t" in indent[0]


def _tab(failure: Failure) -> Diagnostic:
    start = failure.text.find("\t", failure.line_start)
    run = re.compile(r"\t+").match(failure.text, start)
    return diagnose("E0005", failure.span(start, run.end() if run else start + 1))


def _cannot_start(failure: Failure) -> Diagnostic:
    """A character that is reserved, or means something else, where a value starts."""
    if _after_value(failure, failure.since):
        return _leftover(failure, failure.since)
    char = failure.text[failure.since : failure.since + 1]
    meaning = _MEANINGS.get(char, "YAML keeps it for itself")
    span = failure.span(failure.since, failure.since + 1)
    name = "a backtick" if char == "`" else f"`{char}`"
    return diagnose("E0022", span, character=name, meaning=meaning)


_MEANINGS = {
    "*": "it repeats a value that `&` has named",
    "&": "it names a value",
    "|": "it starts a block of text on the next lines",
    ">": "it starts a block of text on the next lines",
    "%": "it starts an instruction to the YAML reader",
    "?": "it starts a key of several lines",
    ",": "it separates the entries of [ ] and { }",
}


def _after_value(failure: Failure, place: int) -> bool:
    """Whether a quoted or bracketed value ends on the line right before the place."""
    before = failure.text[failure.line_start : place].rstrip()
    return before[-1:] in tuple("]}\"'")


def _leftover(failure: Failure, start: int) -> Diagnostic:
    """Text after a value that is complete."""
    last = failure.builder.last
    rest = failure.text[start : _rest_end(failure, start)]
    if last is not None and last.style in ("single", "double"):
        if "\n" in last.span.text:
            return _quote_over_lines(failure, last)
        if last.span.end == start:
            return _quote_inside(failure, last, rest)
    starts_operation = rest[:1] in tuple("+-*/@[(")
    fix = "quote the whole value" if starts_operation else "delete it, or start a new line for it"
    return diagnose("E0036", failure.span(start, start + len(rest)), text=_short(rest), fix=fix)


def _rest_end(failure: Failure, start: int) -> int:
    """The end of a piece of text: of the line, and inside brackets of the entry."""
    end = expression_end(failure.text, start) if failure.flow else None
    return start + len(failure.line_at(start)) if end is None or end == start else end


def _quote_over_lines(failure: Failure, quoted: Scalar) -> Diagnostic:
    start, end = quoted.span.start, quoted.span.end
    label = Label(failure.span(end - 1, end), "here it ends")
    return diagnose("E0040", failure.span(start, start + 1), labels=(label,))


def _quote_inside(failure: Failure, quoted: Scalar, rest: str) -> Diagnostic:
    """`'it's'`: the second quote ends the value."""
    fix = "write it twice: `''`" if quoted.style == "single" else 'write `\\"`'
    place = quoted.span.end
    label = (Label(failure.span(quoted.span.start, quoted.span.start + 1), "it starts here"),)
    span = failure.span(place - 1, place)
    return diagnose("E0041", span, labels=label, text=_short(rest), fix=fix)


_HERE = "this line is still read as part of it"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _quote(failure: Failure, start: int, *labels: Label) -> Diagnostic:
    quote = "double" if failure.text[start : start + 1] == '"' else "single"
    return diagnose("E0019", failure.span(start, start + 1), labels=labels, quote=quote)


def _quote_open(failure: Failure) -> Diagnostic:
    return _quote(failure, failure.since)


def _escape(failure: Failure) -> Diagnostic:
    start = failure.text.rfind("\\", failure.since, failure.at + 1)
    start = failure.at if start < 0 else start
    escape = failure.text[start : max(failure.at + 1, start + 2)]
    return diagnose("E0023", failure.span(start, start + len(escape)), escape=escape)


def _second_colon(failure: Failure) -> Diagnostic:
    """A colon where no key can be: three different slips."""
    last = failure.builder.last
    if failure.flow is not None:
        return _flow_entry(failure)
    if last is None or failure.text.rfind("\n", last.span.start, failure.at) < 0:
        return diagnose("E0025", failure.span(failure.at, failure.at + 1))
    if last.style in ("single", "double"):
        return _quote_over_lines(failure, last)
    first = failure.line_at(last.span.start)
    if _is_on_key_line(failure, last):
        start = failure.line_start + len(failure.before) - len(failure.before.lstrip())
        span = failure.span(start, failure.at)
        return diagnose("E0035", span, key=span.text, above=_short(first))
    return _no_colon(failure, last.span.start)


def _is_on_key_line(failure: Failure, value: Scalar) -> bool:
    """Whether the value stands on the line of its key, or of its `-`."""
    frames = failure.builder.frames
    if not frames or not frames[-1].is_mapping:
        return bool(frames)
    entries = frames[-1].entries
    if not entries or entries[-1].value is not value:
        return False
    return "\n" not in failure.text[entries[-1].key.span.end : value.span.start]


def _no_colon(failure: Failure, start: int) -> Diagnostic:
    line = failure.line_at(start)
    span = failure.span(start, start + len(line))
    glued = _GLUED.fullmatch(line)
    if glued:
        return diagnose("E0039", span, text=_short(line), fix=_short(f"{glued[1]}: {glued[2]}"))
    fix = "write `key: value`, with a space after the colon"
    return diagnose("E0021", span, text=_short(line), fix=fix)


def _key_without_colon(failure: Failure) -> Diagnostic:
    char = failure.text[failure.since : failure.since + 1]
    if char in ("{", "["):
        if closing_of(failure.text, failure.since) is None:
            return _never_closed(failure, failure.since)
        found, line = f"a value in {char} {CLOSING[char]}", failure.line_at(failure.since)
        span = failure.span(failure.since, failure.since + len(line))
        return diagnose("E0029", span, found=found, expected="a key")
    if char in ("'", '"') and "\n" in failure.text[failure.since : failure.at]:
        return _quote(failure, failure.since)
    return _no_colon(failure, failure.since)


def _glued_colon(failure: Failure) -> Diagnostic:
    """`{a:[1]}` or `{a:, b: 1}`: inside brackets a colon needs a space after it."""
    key = failure.text[failure.since : failure.at]
    span = failure.span(failure.since, failure.at + 1)
    return diagnose("E0039", span, text=_short(f"{key}:"), fix=_short(f"{key}: ..."))


def _block_place(failure: Failure) -> Diagnostic:
    """Something that is neither the next key nor the next item of any open block."""
    if failure.char in OPENING and failure.char != ")":
        opening = OPENING[failure.char]
        span = failure.span(failure.at, failure.at + 1)
        return diagnose("E0028", span, found=failure.char, opening=opening)
    if failure.text.startswith("...", failure.line_start) or _ended_explicitly(failure):
        return diagnose("E0010", failure.span(failure.at, failure.at + 3), marker="...")
    if failure.before.strip():
        return _leftover(failure, failure.at)
    column = failure.at - failure.line_start
    columns = [f.column for f in failure.builder.frames if not f.is_flow]
    if columns and columns[-1] == column:
        return _key_and_item(failure)
    neighbours = {f.column for f in failure.builder.closed if not f.is_flow} | set(columns)
    expected = sorted(c for c in neighbours if c != column)
    if not expected:
        return _leftover(failure, failure.at)
    return diagnose(
        "E0020",
        failure.span(failure.at, failure.at + len(failure.rest)),
        found=_spaces(str(column)),
        expected=_spaces(" or ".join(map(str, expected))),
    )


def _spaces(count: str) -> str:
    return "no space" if count == "0" else "1 space" if count == "1" else f"{count} spaces"


def _ended_explicitly(failure: Failure) -> bool:
    lines = failure.text[: failure.line_start].rstrip().rsplit("\n", 1)
    return not failure.builder.frames and lines[-1].strip() == "..."


def _key_and_item(failure: Failure) -> Diagnostic:
    item = re.match(r"-(\s|$)", failure.rest) is not None
    last = failure.builder.last
    if last is not None and last.style in ("single", "double") and "\n" in last.span.text:
        return _leftover(failure, failure.at)
    span = failure.span(failure.at, failure.at + len(failure.rest))
    found, expected = ("an item", "a key") if item else ("a key", "an item with `-`")
    return diagnose("E0029", span, found=found, expected=expected)


def _list_on_line(failure: Failure) -> Diagnostic:
    if re.match(r"\s*[-+\w\"'(]", failure.text[failure.at + 1 :]) is None or not failure.before:
        return _unknown(failure)
    return diagnose("E0037", failure.span(failure.at, failure.at + 1))


def _no_content(failure: Failure) -> Diagnostic:
    """A value was expected, and something that cannot start one is there."""
    flow = failure.flow
    if flow is not None and not failure.char:
        return _never_closed(failure, flow.start)
    if failure.char in ("}", "]"):
        if flow is not None:
            return _never_closed(failure, flow.start)
        span = failure.span(failure.at, failure.at + 1)
        return diagnose("E0028", span, found=failure.char, opening=OPENING[failure.char])
    if failure.char == ",":
        if flow is None:
            return _cannot_start(failure)
        return diagnose("E0038", failure.span(failure.at, failure.at + 1))
    return _unknown(failure)


def _never_closed(failure: Failure, opening: int) -> Diagnostic:
    bracket = failure.text[opening : opening + 1]
    labels: tuple[Label, ...] = ()
    if failure.char in OPENING:
        label = f"this `{failure.char}` does not close it"
        labels = (Label(failure.span(failure.at, failure.at + 1), label),)
    elif failure.char and failure.line_start > opening:
        labels = (Label(failure.span(failure.line_start, failure.at), _HERE),)
    span = failure.span(opening, opening + 1)
    closing = CLOSING.get(bracket, "bracket")
    return diagnose("E0018", span, labels=labels, opening=bracket, closing=closing)


def _flow_entry(failure: Failure) -> Diagnostic:
    """Inside `{ }` or `[ ]`, neither a comma nor the end."""
    flow = failure.flow
    if flow is None:
        return _unknown(failure)
    if not failure.char or failure.char in OPENING or closing_of(failure.text, flow.start) is None:
        return _never_closed(failure, flow.start)
    start = failure.at
    if failure.char == ":":
        word = re.search(r"[^\s,\[\]{}]+\s*$", failure.text[flow.start + 1 : failure.at])
        start = flow.start + 1 + word.start() if word else failure.at
        if _is_second_colon(failure, start):
            return diagnose("E0025", failure.span(failure.at, failure.at + 1))
    elif failure.char in tuple("+-*/@") and _after_value(failure, start):
        return _leftover(failure, start)
    match = _WORD.match(failure.text, start)
    found = match[0] if match else failure.char
    closing = CLOSING[failure.text[flow.start]]
    span = failure.span(start, start + len(found))
    return diagnose("E0031", span, closing=closing, found=found)


def _is_second_colon(failure: Failure, start: int) -> bool:
    """`{a: b: c}`: what the colon follows is itself the whole value of a key."""
    return re.search(r":\s*$", failure.text[:start].rsplit("\n", 1)[-1]) is not None


def _tag(failure: Failure) -> Diagnostic:
    match = re.compile(r"[^\s,\[\]{}]+").match(failure.text, failure.since)
    tag = match[0] if match else "!"
    span = failure.span(failure.since, failure.since + len(tag))
    return diagnose("E0009", span, tag=_short(tag))


def _directive(failure: Failure) -> Diagnostic:
    start = failure.text.rfind("\n", 0, failure.since) + 1
    line = failure.line_at(start)
    return diagnose("E0030", failure.span(start, start + len(line)), directive=_short(line))


# Each pattern fits what libyaml says, and what PyYAML's own parser says.
_STORIES: tuple[tuple[re.Pattern[str], Callable[[Failure], Diagnostic]], ...] = tuple(
    (re.compile(pattern), tell)
    for pattern, tell in (
        (r"mapping values are not allowed", _second_colon),
        (r"expected ',' or '[\]}]'", _flow_entry),
        (r"found unexpected ':'", _glued_colon),
        (r"expected key|expected '-' indicator|<block end>|<document start>", _block_place),
        (r"sequence entries are not allowed", _list_on_line),
        (r"mapping keys are not allowed|cannot start any token", _cannot_start),
        (r"scanning an? (alias|anchor)", _cannot_start),
        (r"could not find expected ':'", _key_without_colon),
        (r"expected (the )?node content", _no_content),
        (r"scanning a quoted scalar: found unexpected", _quote_open),
        (r"quoted scalar", _escape),
        (r"scanning a block scalar", _cannot_start),
        (r"a tag: |tag handle", _tag),
        (r"directive|YAML document", _directive),
    )
)
