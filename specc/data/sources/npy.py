"""npy files of numpy: one array, left in its file and read row by row as batches need it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.arrays import header, values
from specc.data.files import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, Array, Column, Table


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`values`, a row a datum, from the file `path`, and `label` from the file `labels`.

    The array is mapped into memory for reading only, so it may be larger than the memory. One that
    is in column order or of another byte order is read whole, which the memory must allow.
    """
    del used
    folder = folder_for("npy", folder)
    path = inside(folder, str(options.get("path", "")))
    columns = {"values": Column(mapped(path))}
    if "labels" in options:
        columns["label"] = Column(mapped(inside(folder, str(options["labels"]))))
    masks = {name: c.raw for name, c in columns.items() if c.raw.dtype == np.bool_}
    return Table({ALL: columns}, masks, place=path.name)


def mapped(path: Path) -> Array:
    """The array of a file, in its file where that is possible.

    Raises RunFailure: E0505, where the file is no array of rows; E0513, where it must be read
    whole and does not fit.
    """
    try:
        with path.open("rb") as file:
            found = header(file, path, path.stat().st_size)
            if not found.shape or not found.size:
                raise unreadable(path, f"it has the shape {found.shape}: there are no rows")
            if found.fortran or not found.dtype.isnative:
                hint = "save it with `numpy.ascontiguousarray`, in the machine's own byte order"
                require_memory(path, 2 * found.size, hint)
                return np.ascontiguousarray(values(file, found), found.dtype.newbyteorder("="))
    except (OSError, EOFError) as error:
        raise unreadable(path, str(error)) from error
    return np.memmap(path, found.dtype, "r", found.start, found.shape)
