"""The canonical style of a spec file.

Sections stand in one order with their comments above them; a space follows a colon and a comma and
none stands inside brackets; lines have no blanks at their end, and no two empty lines follow each
other. Comments stay, and so does every value: where the style would change one, the text is
returned as it was.
"""

from __future__ import annotations

from itertools import pairwise

import yaml

from specc.diagnostics.report import severity
from specc.diagnostics.source import Source
from specc.language import located
from specc.language.text import read

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


def fmt(source: Source) -> str:
    """The text in canonical style; as it was where it does not read without errors."""
    meaning = _meaning(source)
    if meaning is None:
        return source.text
    text = _sections(_lines(_spaced(source.text)))
    return text if _meaning(Source(source.path, text)) == meaning else source.text


def _meaning(source: Source) -> object:
    """The values of a text without their places, whatever the order of its sections."""
    root, findings = read(source)
    if root is None or any(severity(found) == "error" for found in findings):
        return None
    value = _plain(root)
    return dict(value) if isinstance(root, located.Mapping) else value  # type: ignore[call-overload]


def _plain(value: located.Located) -> object:
    """Mappings as pairs, since their order means something below the top."""
    if isinstance(value, located.Mapping):
        return tuple((entry.name, _plain(entry.value)) for entry in value.entries)
    if isinstance(value, located.Sequence):
        return tuple(_plain(item) for item in value.items)
    return value.tag_kind, value.value


# spaces


def _spaced(text: str) -> str:
    """One space after a colon or comma, none inside brackets, wherever only spaces stand there."""
    tokens = [t for t in yaml.scan(text, Loader=yaml.SafeLoader) if t.start_mark is not None]
    shown = [t for t in tokens if t.start_mark.index < t.end_mark.index]
    pieces: list[str] = []
    done = 0
    for left, right in pairwise(shown):
        start, end = left.end_mark.index, right.start_mark.index
        gap = text[start:end]
        if start < done or gap.strip(" ") or "\n" in text[left.start_mark.index : end]:
            continue
        wanted = _gap(left, right, gap)
        if wanted != gap:
            pieces += [text[done:start], wanted]
            done = end
    return "".join([*pieces, text[done:]])


def _gap(left: yaml.Token, right: yaml.Token, gap: str) -> str:
    """What should stand between two tokens of one line."""
    if isinstance(left, OPENING) or isinstance(right, CLOSING):
        return ""
    if isinstance(right, (yaml.FlowEntryToken, yaml.ValueToken)):
        return ""
    if isinstance(left, (yaml.FlowEntryToken, yaml.ValueToken)):
        return " "
    return gap


# lines


def _lines(text: str) -> list[str]:
    """Lines without blanks at their end, and never two empty ones in a row."""
    kept: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.rstrip(" \t")
        if bare or (kept and kept[-1]):
            kept.append(bare)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _sections(lines: list[str]) -> str:
    """The sections in their order, each with the comments and the empty line above it."""
    head, found = _cut(lines)
    if any(key not in ORDER for key, _ in found):
        return "\n".join([*head, *(line for _, part in found for line in part)]) + "\n"
    ordered = sorted(found, key=lambda section: ORDER.index(section[0]))
    body = [line for _, part in ordered for line in part]
    while body and not body[0] and not head:
        body.pop(0)
    return "\n".join(_lines("\n".join([*head, *body]))) + "\n"


def _cut(lines: list[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """What stands before the first section, and every section by its key."""
    head: list[str] = []
    sections: list[tuple[str, list[str]]] = []
    waiting: list[str] = []
    for line in lines:
        if line and not line.startswith((" ", "#", "-", "}", "]")) and ":" in line:
            sections.append((line.partition(":")[0].strip("\"' "), [*waiting, line]))
            waiting = []
        elif not line or line.startswith("#"):
            waiting.append(line)
        else:
            target = sections[-1][1] if sections else head
            target += [*waiting, line]
            waiting = []
    if sections:
        sections[-1][1].extend(waiting)
    return head, sections
