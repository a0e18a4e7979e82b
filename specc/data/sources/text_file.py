"""Windows of a text file, a character each: rows of equal length, for models of characters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from specc.data.data_folder import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, Column, Table
from specc.data.text import lines

LENGTH = 128

GROWTH = 12
"""Bytes of memory for each byte of text: lines, their join, and 4 bytes for each character."""


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """The columns `characters` [length], texts of one character each, and `start`.

    The windows have `length` characters (by default 128) and begin every `stride` characters (by
    default `length`); characters at the end that fill no window are left out. `start` is the place
    of the first character in the text. Each end of a line is one newline.
    """
    del used
    path = inside(folder_for("text_file", folder), str(options.get("path", "")))
    length = int(options.get("length", LENGTH))
    stride = int(options.get("stride", length))
    with closing(lines(path, GROWTH)) as found:
        text = "".join(found).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise unreadable(path, "it has null characters, which text does not have")
    if len(text) < length:
        problem = f"it has {len(text):,} characters, fewer than a window of {length:,}"
        raise unreadable(path, problem, "give a smaller `length`")
    starts = np.arange(0, len(text) - length + 1, stride)
    size = 4 * len(starts) * length
    require_memory(path, size, f"{len(starts)} windows of {length} characters are that large")
    characters = np.array(list(text), dtype="<U1")
    windows = np.ascontiguousarray(sliding_window_view(characters, length)[starts])
    columns = {"characters": Column(windows), "start": Column(starts)}
    return Table({ALL: columns}, place=path.name)
