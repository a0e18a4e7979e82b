"""The position in the text of each character of the value of a scalar."""

from __future__ import annotations

from functools import lru_cache

_HEX_LENGTH = {"x": 2, "u": 4, "U": 8}


@lru_cache(maxsize=16)
def source_offsets(raw: str, style: str, length: int) -> list[int] | None:
    """The offsets in `raw` of the `length` characters of the value, and of its end.

    `raw` is the scalar in the source, including quotes. Returns None if the value spans several
    lines or does not match `raw`.
    """
    if "\n" in raw or "\r" in raw:
        return None
    if style == "plain":
        offsets = list(range(len(raw) + 1))
    elif style == "single":
        offsets = _single(raw)
    elif style == "double":
        offsets = _double(raw)
    else:
        return None
    return offsets if len(offsets) == length + 1 else None


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
