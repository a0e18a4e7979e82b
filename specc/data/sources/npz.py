"""npz files of numpy: arrays by name, read without unpickling anything."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.files import folder_for, inside, unreadable
from specc.data.table import ALL, Array, Column, Table

LIMIT = 8 << 30
"""More bytes than this in one unpacked file are taken for a mistake, or a trap."""

PARTS = ("train", "valid", "test")


def read(options: Mapping[str, Any], folder: Path | None) -> Table:
    """A field for each array of the file `path`, and masks for splits.

    `train`, `valid` and `test`, where the file has them (alone, or as `train_x`), are its parts,
    and the field is `values` (or `x`). Boolean arrays may be named by a split.
    """
    path = inside(folder_for("npz", folder), str(options.get("path", "")))
    arrays = arrays_of(path)
    parts = _published(arrays)
    if parts:
        return Table(parts, place=path.name)
    masks = {name: a for name, a in arrays.items() if a.dtype == np.bool_}
    columns = {name: Column(a) for name, a in arrays.items() if a.ndim > 0}
    if not columns:
        raise unreadable(path, "it has no array with rows")
    return Table({ALL: columns}, masks, place=path.name)


def _published(arrays: Mapping[str, Array]) -> dict[str, dict[str, Column]]:
    parts: dict[str, dict[str, Column]] = {}
    for name, values in arrays.items():
        part, _, field = name.partition("_")
        if part in PARTS and values.ndim > 0:
            parts.setdefault(part, {})[field or "values"] = Column(values)
    return parts if "train" in parts and len(parts) > 1 else {}


def arrays_of(path: Path) -> dict[str, Array]:
    """Every array of the file, nothing of it unpickled; raises RunFailure E0505."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
        if size > LIMIT:
            raise unreadable(path, f"it unpacks to {size >> 30} GB")
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise unreadable(path, f"{error}", "an npz file is written by `numpy.savez`") from error
    except ValueError as error:
        pickled = "allow_pickle" in str(error)
        problem = "it holds Python objects, whose loading can run code" if pickled else str(error)
        hint = "save plain arrays of numbers" if pickled else ""
        raise unreadable(path, problem, hint) from error
    other = [name for name, value in found.items() if not isinstance(value, np.ndarray)]
    if other:
        raise unreadable(path, f"`{other[0]}` in it is no array")
    return found
