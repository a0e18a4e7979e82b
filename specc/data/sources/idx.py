"""idx files, the format of MNIST: a header of sizes, then the numbers.

The format: two zero bytes, a byte for the type, a byte for the number
of dimensions, each dimension as a big-endian 32-bit number, then the values in row-major order.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from specc.data.data_folder import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, Array, Column, Part, Table

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`image` (bytes with the factor 1/255) and `label`, from the files that the options name.

    Options: `images`, `labels`, and `test_images`, `test_labels` for a test part.
    """
    del used
    folder = folder_for("idx", folder)
    first = _part(folder, options, "")
    if "test_images" not in options:
        return Table({ALL: first}, place=str(options["images"]))
    return Table({"train": first, "test": _part(folder, options, "test_")}, place="idx files")


def _part(folder: Path, options: Mapping[str, Any], prefix: str) -> Part:
    part = {"image": pictures(array(inside(folder, str(options[f"{prefix}images"]))))}
    if f"{prefix}labels" in options:
        part["label"] = Column(array(inside(folder, str(options[f"{prefix}labels"]))))
    return part


def pictures(values: Array) -> Column:
    """Pictures as rows; bytes are grey values, of which 255 is white."""
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    return Column(flat, 1 / 255 if flat.dtype == np.uint8 else 1.0)


def array(path: Path) -> Array:
    """The array in an idx file, which may be packed with gzip.

    Raises RunFailure: E0505, if it is not an idx file, is damaged, or does not have the length that
    its header states; E0513, if it does not fit into memory.
    """
    try:
        with _opened(path) as file:
            shape, dtype = _header(path, file.read(4 + 4 * 255))
            start = 4 + 4 * len(shape)
            expected = math.prod(shape) * dtype.itemsize
            require_memory(path, expected, "its header states this size; it may be damaged")
            file.seek(start)
            data = file.read(expected + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, str(error)) from error
    if len(data) != expected:
        sizes = "x".join(str(n) for n in shape)
        has = f"it has {len(data)}" if len(data) < expected else "it has more"
        problem = f"its header states {sizes}, which is {expected} bytes; {has}"
        raise unreadable(path, problem, "the file may be cut off: fetch it again")
    values: Array = np.frombuffer(data, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _header(path: Path, data: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES:
        raise unreadable(path, "it does not start as an idx file does")
    rank, dtype = data[3], np.dtype(TYPES[data[2]])
    if rank == 0 or len(data) < 4 + 4 * rank:
        raise unreadable(path, "its header is cut off")
    return struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank]), dtype
