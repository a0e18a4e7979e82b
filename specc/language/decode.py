"""Decoding of the bytes of a spec file."""

from __future__ import annotations

import codecs

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.language.limits import MAX_BYTES

# Longer marks come first: the mark of UTF-32 starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_EXCERPT = 200


def read_bytes(path_name: str, data: bytes) -> tuple[Source | None, list[Diagnostic]]:
    """The text of a spec file, or the diagnostic of the reason why it cannot be decoded.

    Refuses more than 1 MiB, a byte order mark, and bytes that are not UTF-8.
    """
    if len(data) > MAX_BYTES:
        return None, [too_large(path_name, len(data), data[:_EXCERPT].decode("utf-8", "replace"))]
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            source = Source(path_name, data[len(mark) :][:_EXCERPT].decode("utf-8", "replace"))
            return None, [diagnose("E0002", Span(source, 0, 0), encoding=encoding)]
    try:
        return Source(path_name, data.decode("utf-8")), []
    except UnicodeDecodeError as error:
        return None, [_not_utf8(path_name, data, error.start)]


def too_large(path_name: str, size: int, excerpt: str) -> Diagnostic:
    """The diagnostic of a text of `size` bytes that starts with `excerpt`."""
    span = Span(Source(path_name, excerpt), 0, 0)
    return diagnose("E0004", span, size=f"{size:,}", limit=f"{MAX_BYTES:,}")


def _not_utf8(path_name: str, data: bytes, position: int) -> Diagnostic:
    start = len(data[:position].decode("utf-8", "replace"))
    source = Source(path_name, data.decode("utf-8", "replace"))
    byte = f"0x{data[position]:02x}"
    return diagnose("E0001", Span(source, start, start + 1), byte=byte, position=position)
