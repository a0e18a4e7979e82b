"""npz files of numpy: arrays by name, read without unpickling."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from specc.data.arrays import Header, header, values
from specc.data.columns import LENGTHS, lengthened, with_ragged
from specc.data.data_folder import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, Array, Column, Table

BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # a password, or an unknown compression
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
PARTS = ("train", "valid", "test")
ENDING = ".npy"


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """A field for each array of the file `path`, and masks for splits.

    Arrays `train`, `valid` and `test` are parts with the column `values`, and arrays such as
    `train_x` are parts with the column `x`. A split may name boolean arrays. Arrays of steps with
    lengths become rows of unequal length, see `with_ragged`.
    """
    path = inside(folder_for("npz", folder), str(options.get("path", "")))
    arrays = arrays_of(path, used)
    with_rows = {name: a for name, a in arrays.items() if a.ndim > 0}
    names = names_of(path)
    if not with_rows and (arrays or not names):
        single = f"`{next(iter(arrays))}` is a single number, and a column has rows"
        raise unreadable(path, single if arrays else "it has no array with rows")
    published = _published_parts(with_rows)
    if published:
        parts = {name: with_ragged(path, part) for name, part in published.items()}
        return Table(_equally_padded(parts), place=path.name, names=_columns(names))
    masks = {name: a for name, a in arrays.items() if a.dtype == np.bool_}
    columns = with_ragged(path, with_rows)
    return Table({ALL: columns}, masks, place=path.name, names=_columns(names))


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    """The names of columns from those of arrays: `x` from `train_x` and `test_x`."""
    parts = _published_parts(dict.fromkeys(names))
    return tuple(parts["train"]) if parts else tuple(names)


def _is_used(name: str, used: Collection[str]) -> bool:
    """Whether one of the columns `used` needs the array."""
    part, _, rest = name.partition("_")
    bare = [name, rest or "values"] if part in PARTS else [name]
    own = {stem.removesuffix(end) for stem in bare for end in ("", "_values", f"_{LENGTHS}")}
    return not own.isdisjoint(used) or LENGTHS in bare


T = TypeVar("T")


def _published_parts(arrays: Mapping[str, T]) -> dict[str, dict[str, T]]:
    parts: dict[str, dict[str, T]] = {}
    for name, found in arrays.items():
        part, _, field = name.partition("_")
        if part in PARTS:
            parts.setdefault(part, {})[field or "values"] = found
    return parts if "train" in parts and len(parts) > 1 else {}


def _equally_padded(parts: Mapping[str, Mapping[str, Column]]) -> dict[str, dict[str, Column]]:
    """The parts, with rows of unequal length padded to the longest row of all parts."""
    longest: dict[str, int] = {}
    for part in parts.values():
        for name, column in part.items():
            if column.lengths is not None:
                longest[name] = max(longest.get(name, 0), column.shape[0])
    return {
        part: {name: lengthened(c, longest.get(name, 0)) for name, c in columns.items()}
        for part, columns in parts.items()
    }


def names_of(path: Path) -> tuple[str, ...]:
    """The names of the arrays of a file that `arrays_of` read."""
    with zipfile.ZipFile(path) as archive:
        return tuple(item.filename.removesuffix(ENDING) for item in archive.infolist())


def arrays_of(path: Path, used: Collection[str] | None = None) -> dict[str, Array]:
    """Every array of the file, or those that the columns `used` need; nothing is unpickled.

    Raises RunFailure: E0505, if the file is damaged or contains other things than arrays; E0513, if
    its arrays do not fit into the free memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            items = archive.infolist()
            if used is not None:
                own = [item for item in items if _is_used(item.filename.removesuffix(ENDING), used)]
                items = own
            _refuse_duplicates(path, items)
            headers = [_header(archive, item, path) for item in items]
            require_memory(path, sum(found.size for found in headers))
            return {item.filename.removesuffix(ENDING): _values(archive, item) for item in items}
    except BROKEN as error:
        raise unreadable(path, f"{error}", "an npz file is written by `numpy.savez`") from error


def _refuse_duplicates(path: Path, items: Sequence[zipfile.ZipInfo]) -> None:
    names = [item.filename.removesuffix(ENDING) for item in items]
    for name in names:
        if names.count(name) > 1:
            raise unreadable(path, f"it has two arrays `{name}`", "write the file again")


def _header(archive: zipfile.ZipFile, item: zipfile.ZipInfo, path: Path) -> Header:
    name = f"`{item.filename.removesuffix(ENDING)}`"
    with archive.open(item) as file:
        return header(file, path, item.file_size, name)


def _values(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> Array:
    with archive.open(item) as file:
        return values(file, header(file, Path(item.filename), item.file_size))
