"""The ends of brackets and expressions in the raw text inside `{ }` and `[ ]`.

YAML ends a plain value inside `{ }` at a comma or bracket, which cuts `{params: encoder(x, y)}` and
`{loc: u[user]}`. These functions match the brackets of the expression instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from specc.language.limits import MAX_SEARCHES

CLOSING = {"(": ")", "[": "]", "{": "}"}
OPENING = {closing: opening for opening, closing in CLOSING.items()}
_LONGEST = 2000
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_COMMENT = re.compile(r"#[^\n]*")
_NOTABLE = re.compile(r"[\[\]{}'\"#]")
_EXPRESSION = re.compile(r"[\w\s.+\-*/@(),\[\]]+")


def expression_end(text: str, start: int) -> int | None:
    """The offset after the expression that starts at `start`, including its brackets.

    None if its brackets are not closed, or in the wrong order, before the end of the `{ }`.
    """
    depth: list[str] = []
    limit = min(len(text), start + _LONGEST)
    for i in range(start, limit):
        char = text[i]
        if char in "([{":
            depth.append(CLOSING[char])
        elif depth and char == depth[-1]:
            depth.pop()
        elif depth and (char in ")]}" or _breaks(text, i)):
            return None
        elif not depth and (char in ",]}\n\r" or _breaks(text, i)):
            return _trimmed(text, start, i)
    return _trimmed(text, start, limit) if not depth and limit == len(text) else None


def _breaks(text: str, i: int) -> bool:
    """Whether a comment or the colon of a key is at offset `i`."""
    if text[i] == "#":
        return text[i - 1].isspace()
    return text[i] == ":" and (i + 1 == len(text) or text[i + 1].isspace())


def _trimmed(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip())


def skip_at(text: str, i: int) -> int:
    """The offset after the quoted text or comment that starts at `i`; `i` if none starts there."""
    if text[i] in "'\"":
        match = _QUOTED.match(text, i)
        return match.end() if match else len(text)
    if text[i] == "#" and (i == 0 or text[i - 1].isspace()):
        match = _COMMENT.match(text, i)
        return match.end() if match else i
    return i


def closing_of(text: str, opening: int) -> int | None:
    """The offset of the bracket that closes the one at `opening`; None if there is none."""
    is_open, place = _follow(text, opening)
    return place if not is_open else None


def unclosed(text: str, opening: int) -> tuple[int, int | None]:
    """The likely mistake if the bracket at `opening` is not closed: an open and a closing bracket.

    The first is the innermost open bracket before a closing bracket of another kind on its line,
    which is the second. Otherwise the second is None and the first is an open bracket directly
    after a word, or else the one at `opening`.
    """
    is_open, place = _follow(text, opening)
    if is_open and place is not None and "\n" not in text[is_open[-1] : place]:
        return is_open[-1], place
    line_end = text.find("\n", opening)
    glued = [i for i in is_open if 0 < i < line_end and _is_word(text[i - 1])]
    return glued[-1] if glued else opening, None


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def surplus_bracket(line: str) -> int | None:
    """The offset of the first closing bracket of a line without an opening one, or None."""
    depth = 0
    for i in _brackets(line, 0):
        depth += 1 if line[i] in "[{" else -1
        if depth < 0:
            return i
    return None


def _follow(text: str, opening: int) -> tuple[list[int], int | None]:
    """The brackets that are open at the end of the scan from `opening`, and the offset of the end.

    The scan ends at the bracket that closes the first one, with no open brackets; at a closing
    bracket of the wrong kind; or at the end of the text, with None as the offset.
    """
    stack: list[int] = []
    for i in _brackets(text, opening):
        if text[i] in "[{":
            stack.append(i)
        elif text[i] != CLOSING[text[stack[-1]]]:
            return stack, i
        else:
            stack.pop()
        if not stack:
            return stack, i
    return stack, None


def _brackets(text: str, start: int) -> Iterator[int]:
    """The offsets of brackets from `start` on that are not inside quotes or comments."""
    match = _NOTABLE.search(text, start)
    while match is not None:
        i = match.start()
        after = skip_at(text, i) if _may_start_value(text, i) else i
        if after == i and text[i] in "[]{}":
            yield i
        match = _NOTABLE.search(text, max(after, i + 1))


def _may_start_value(text: str, i: int) -> bool:
    """Whether a quote at `i` starts quoted text; one inside a word, as in `it's`, does not."""
    return i == 0 or text[i - 1].isspace() or text[i - 1] in "[{(,:"


def split_by_brackets(text: str, opening: int, limit: int) -> list[tuple[int, int]]:
    """The start and end of each expression with an index, such as `u[user]`.

    The search starts at the bracket at `opening` and ends where it closes, or at `limit`.
    """
    found: list[tuple[int, int]] = []
    starts: list[int | None] = []  # for each open bracket, the start of its current plain value
    i, searches = opening, 0
    while i < limit:
        char, item = text[i], starts[-1] if starts else None
        after = skip_at(text, i) if item is None or char == "#" else i
        if after == i and char == "[" and item is not None and searches < MAX_SEARCHES:
            searches += 1
            after = _indexed_end(text, item, i) or i
            found += [(item, after)] if after > i else []
        if after > i:
            i = after
            continue
        _step(text, i, starts)
        if not starts:
            break
        i += 1
    return found


def _indexed_end(text: str, start: int, bracket: int) -> int | None:
    """The end of the expression at `start` if the bracket indexes it: `u[`, not `relu [`."""
    end = expression_end(text, start)
    if end is None or text[bracket - 1].isspace() or not _EXPRESSION.fullmatch(text[start:end]):
        return None
    return end


def _step(text: str, i: int, starts: list[int | None]) -> None:
    char = text[i]
    if char in "[{":
        starts.append(None)
    elif char in "]}":
        starts.pop()
    elif char == "," or (char == ":" and text[i + 1 : i + 2].isspace()):
        starts[-1] = None
    elif starts[-1] is None and not char.isspace():
        starts[-1] = i
