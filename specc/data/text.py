"""Lines of a text file: UTF-8, or UTF-16 or UTF-32 with a byte order mark; gzip or not."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import IO, cast

from specc.data.data_folder import free_memory, require_memory, too_large, unreadable

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP = b"\x1f\x8b"
OTHERS = (
    (b"PK\x03\x04", "a zip archive or an Excel sheet", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel sheet", "save the sheet as CSV"),
    (b"BZh", "packed with bzip2", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz", "unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it, or pack it with gzip"),
    (b"PAR1", "a Parquet file", "write `source: parquet`"),
    (b"\x93NUMPY", "an array of numpy", "write `source: npy`"),
    (b"\x89HDF", "an HDF5 file", "save its arrays with `numpy.savez`"),
)
"""Formats that are not text, by their first bytes."""

LONGEST = 1 << 26
"""The characters of the longest line."""


def lines(path: Path, growth: int) -> Generator[str, None, None]:
    """The lines of the file with their ends; each byte of text takes `growth` bytes in memory.

    The file is open until the generator ends or is closed.

    Raises RunFailure: E0505, if it is not text; E0513, if it does not fit into memory.
    """
    try:
        with path.open("rb") as raw:
            yield from _lines(path, raw, growth)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        problem = f"it is not {error.encoding.upper()} text: byte 0x{byte:02x} ({error.reason})"
        hint = "save it as UTF-8; `iconv -f latin1 -t utf-8` converts western European text"
        raise unreadable(path, problem, hint) from error
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, str(error)) from error


def _lines(path: Path, raw: IO[bytes], growth: int) -> Generator[str, None, None]:
    """The lines of an open file, with checks of memory and length as they are read."""
    packed = raw.read(2) == GZIP
    raw.seek(0)
    if not packed:
        require_memory(path, growth * path.stat().st_size, "save it with `numpy.save` instead")
    file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
    head = file.read(64)
    file.seek(0)
    free, read = free_memory(), 0
    with io.TextIOWrapper(file, encoding=_encoding(path, head), newline="") as text:
        while line := text.readline(LONGEST):
            read += len(line)
            if len(line) == LONGEST:
                raise unreadable(path, f"it has a line of more than {LONGEST} characters")
            if growth * read > free:
                raise too_large(path, growth * read, free, "save it with `numpy.save` instead")
            yield line


def _encoding(path: Path, head: bytes) -> str:
    """The encoding by the first bytes; raises RunFailure E0505 if they are not text."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    for start, what, hint in OTHERS:
        if head.startswith(start):
            raise unreadable(path, f"it is {what}, not text", hint)
    if b"\0" in head:
        hint = "save it as UTF-8; UTF-16 is read where the file begins with its byte order mark"
        raise unreadable(path, "it has null bytes, which text does not have", hint)
    return "utf-8"
