"""The position in the text of each character of the value of a scalar."""

from __future__ import annotations

from functools import lru_cache

_HEX_LENGTH = {"x": 2, "u": 4, "U": 8}


@lru_cache(maxsize=16)
def source_offsets(raw: str, style: str, value: str) -> list[int] | None:
    """The offsets in `raw` of the characters of the value, and of its end.

    `raw` is the scalar in the source, including quotes. Returns None if the value does not match
    `raw`, or if it spans several lines and has escapes.
    """
    if "\n" in raw or "\r" in raw:
        return _over_lines(raw, style, value)
    if style == "plain":
        offsets = list(range(len(raw) + 1))
    elif style == "single":
        offsets = _single(raw)
    elif style == "double":
        offsets = _double(raw)
    else:
        return None
    return offsets if len(offsets) == len(value) + 1 else None


def _over_lines(raw: str, style: str, value: str) -> list[int] | None:
    """The offsets in a text over several lines, which differs from its value in blanks alone.

    A blank of the value has the offset after that of the character before it. The first line of a
    block, `>-`, is no part of the value.
    """
    start = {"plain": 0, "single": 1, "double": 1}.get(style, raw.find("\n") + 1)
    offsets, i = [], start
    for char in value:
        if char.isspace():
            offsets.append(min(i, len(raw)))
            continue
        while i < len(raw) and raw[i].isspace():
            i += 1
        if not raw.startswith(char, i):
            return None
        offsets.append(i)
        i += 1
    return [*offsets, i]


def _single(raw: str) -> list[int]:
    """The offsets in single-quoted text, in which two quotes represent one."""
    offsets, i, end = [], 1, len(raw) - 1
    while i < end:
        offsets.append(i)
        i += 2 if raw.startswith("''", i) else 1
    return [*offsets, max(end, 0)]


def _double(raw: str) -> list[int]:
    """The offsets in double-quoted text with its escapes of fixed lengths."""
    offsets, i, end = [], 1, len(raw) - 1
    while i < end:
        offsets.append(i)
        i += 2 + _HEX_LENGTH.get(raw[i + 1], 0) if raw[i] == "\\" else 1
    return [*offsets, max(end, 0)]
