"""The canonical style of a spec file.

Sections have a fixed order, with their comments above them. One space follows a colon and a comma,
and none is inside brackets. An expression that YAML would cut inside `{ }` is quoted. Lines have no
trailing blanks, and there are no two consecutive empty lines. Comments and values do not change: a
step that would change a value is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import yaml

from specc.diagnostics.report import severity
from specc.diagnostics.source import Source
from specc.language import located
from specc.language.text import LOADER, read

ORDER = (
    "specc",
    "name",
    "doc",
    "constants",
    "data",
    "plates",
    "model",
    "guide",
    "programs",
    "links",
    "objective",
    "train",
    "evaluate",
    "moved",
)

OPENING = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
CLOSING = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)

_CUT = "E0015"


def fmt(source: Source) -> str:
    """The text in canonical style; unchanged if it has errors.

    The only error that is corrected is an expression that YAML cuts, because its meaning is clear.
    """
    root, findings = read(source)
    if root is None or any(severity(f) == "error" and f.code != _CUT for f in findings):
        return source.text
    text = source.text
    cuts = ((f.span.start, f.span.end, f.suggestion or "") for f in findings if f.code == _CUT)
    for start, end, quoted in sorted(cuts, reverse=True):
        text = text[:start] + quoted + text[end:]
    meaning = _plain(root)
    if _meaning(text) != meaning:
        return source.text
    for step in (_spaced, _without_blanks, _ordered):
        changed = step(text)
        text = changed if _meaning(changed) == meaning else text
    return text


def _meaning(text: str) -> object:
    """The values of a text without their places; None if it has errors."""
    root, findings = read(Source("", text))
    return None if root is None or findings else _plain(root)


def _plain(root: located.Located) -> object:
    """The plain values of a tree; the order of keys matters in all mappings but the outermost."""
    if isinstance(root, located.Mapping):
        return {entry.name: _value(entry.value) for entry in root.entries}
    return _value(root)


def _value(value: located.Located) -> object:
    if isinstance(value, located.Mapping):
        return tuple((entry.name, _value(entry.value)) for entry in value.entries)
    if isinstance(value, located.Sequence):
        return [_value(item) for item in value.items]
    # As text, because nan is not equal to itself.
    return value.tag_kind, repr(value.value)


# spaces


def _spaced(text: str) -> str:
    """The text with one space after a colon or comma, and none inside brackets."""
    tokens = [t for t in yaml.scan(text, Loader=LOADER) if _end(t) > _start(t)]
    pieces: list[str] = []
    done = 0
    for left, right in pairwise(tokens):
        start, end = _end(left), _start(right)
        gap = text[start:end]
        if gap.strip(" ") or "\n" in text[_start(left) : start]:
            continue
        expected = _gap(left, right, gap)
        if expected != gap:
            pieces += [text[done:start], expected]
            done = end
    return "".join([*pieces, text[done:]])


def _start(token: yaml.Token) -> int:
    return int(token.start_mark.index)


def _end(token: yaml.Token) -> int:
    return int(token.end_mark.index)


def _gap(left: yaml.Token, right: yaml.Token, gap: str) -> str:
    """The canonical text between two tokens of one line."""
    if isinstance(left, (yaml.FlowEntryToken, yaml.ValueToken)):
        return " "
    if isinstance(left, OPENING) or isinstance(right, CLOSING):
        return ""
    return "" if isinstance(right, (yaml.FlowEntryToken, yaml.ValueToken)) else gap


# lines


def _without_blanks(text: str) -> str:
    """The text without trailing blanks and consecutive empty lines, and with one final line end.

    The lines of values that span several lines do not change.
    """
    text = text.replace("\r\n", "\n")
    root, _ = read(Source("", text))
    result: list[str] = []
    untouched = set() if root is None else set(_long_lines(root))
    for number, line in enumerate(text.split("\n"), start=1):
        if number in untouched:
            result.append(line)
        elif line.strip(" \t"):
            result.append(line.rstrip(" \t"))
        elif result and result[-1]:
            result.append("")
    return "\n".join(result).rstrip("\n") + "\n"


def _long_lines(value: located.Located) -> Iterator[int]:
    if isinstance(value, located.Scalar):
        first, (last, _) = value.span.line, value.span.source.position(value.span.end)
        yield from range(first, last + 1) if last > first else ()
        return
    inner = (
        [entry.value for entry in value.entries]
        if isinstance(value, located.Mapping)
        else value.items
    )
    for item in inner:
        yield from _long_lines(item)


# sections


def _ordered(text: str) -> str:
    """The text with its sections in order, each with the comments and the empty line above it."""
    source = Source("", text)
    root, _ = read(source)
    if not isinstance(root, located.Mapping) or any(
        entry.name not in ORDER or entry.key.span.column != 1 for entry in root.entries
    ):
        return text
    lines = text.rstrip("\n").split("\n")
    starts = [0]
    for above, below in pairwise(root.entries):
        end = max(source.position(above.value.span.end)[0], above.key.span.line)
        starts.append(_section_start(lines, end, below.key.span.line - 1))
    starts[0] = _header_end(lines, root.entries[0].key.span.line - 1)
    parts = [lines[a:b] for a, b in pairwise([*starts, len(lines)])]
    named = zip((entry.name for entry in root.entries), parts, strict=True)
    ordered = [part for _, part in sorted(named, key=lambda pair: ORDER.index(pair[0]))]
    return _without_blanks("\n".join([*lines[: starts[0]], *_joined(ordered)]))


def _section_start(lines: list[str], end: int, key: int) -> int:
    """The first line of a section: after the last indented comment, part of the section above."""
    indented = [i for i in range(end, key) if lines[i].startswith((" ", "\t"))]
    return indented[-1] + 1 if indented else end


def _header_end(lines: list[str], key: int) -> int:
    """The first line after the comment on the file: one at the top, followed by an empty line."""
    apart = [i for i in range(key) if not lines[i].strip() or lines[i].startswith("---")]
    return apart[-1] + 1 if apart and any(lines[: apart[-1]]) else 0


def _joined(parts: list[list[str]]) -> Iterator[str]:
    """The lines of all sections, without empty lines at the start of the first one."""
    for number, part in enumerate(parts):
        first = next((i for i, line in enumerate(part) if line), 0) if number == 0 else 0
        yield from part[first:]
