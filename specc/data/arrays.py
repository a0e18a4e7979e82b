"""Arrays in numpy's npy format, whose header is checked before their values are read.

    magic, version, then a header with the type, the order and the shape, then the values

The format: numpy enhancement proposal 1. An array of Python objects would be unpickled, which can
run code; it is refused by its header alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import IO, Literal

import numpy as np

from specc.data.data_folder import unreadable
from specc.data.table import Array

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
BROKEN = (
    ValueError,
    SyntaxError,
    TokenError,
    TypeError,
    OverflowError,
    RecursionError,
    MemoryError,
    EOFError,
)
"""The errors of numpy at a damaged header."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an array: its shape, column order or not, dtype, and the offset of values."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[np.generic]
    start: int

    @property
    def size(self) -> int:
        """The bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def header(file: IO[bytes], path: Path, length: int, name: str = "it") -> Header:
    """The header at the start of `file`, a file of `length` bytes.

    Raises RunFailure: E0505, if it is not an array, has objects, or does not have the length that
    its header states.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = HEADERS.get(version)
        if read is None:
            raise unreadable(path, f"{name} is of an unknown version of the format, {version}")
        shape, fortran, dtype = read(file)
    except BROKEN as error:
        raise unreadable(path, f"{name} is no array of numpy: {_short(error)}") from error
    if dtype.hasobject:
        problem = f"{name} holds Python objects, whose loading can run code"
        raise unreadable(path, problem, "save plain arrays of numbers")
    if not all(type(n) is int and n >= 0 for n in shape) or not dtype.itemsize:
        raise unreadable(path, f"{name} has the shape {shape} and the type {dtype}")
    found = Header(tuple(shape), bool(fortran), dtype, file.tell())
    if found.start + found.size != length:
        sizes = "x".join(map(str, shape)) or "a single number"
        problem = (
            f"the header of {name} states {sizes} of type {dtype}, which is {found.size} bytes; "
            f"there are {length - found.start}"
        )
        raise unreadable(path, problem, "the file may be cut off: fetch it again")
    return found


def _short(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return words if len(words) <= 120 else f"{words[:117]}..."


def values(file: IO[bytes], found: Header) -> Array:
    """The values after a header that was read from `file`, in memory."""
    data = bytearray(found.size)
    view, filled = memoryview(data), 0
    while filled < found.size:
        piece = file.read(min(1 << 20, found.size - filled))
        if not piece:
            raise EOFError("the file ends early")
        view[filled : filled + len(piece)] = piece
        filled += len(piece)
    order: Literal["C", "F"] = "F" if found.fortran else "C"
    # By bytes: numpy makes no array of dates out of a buffer.
    flat = np.frombuffer(data, np.uint8).view(found.dtype)
    return flat.reshape(found.shape, order=order)
