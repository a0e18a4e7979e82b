"""npy files of numpy: one array, memory-mapped, of which each batch reads its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.arrays import header, values
from specc.data.data_folder import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, Array, Column, Table


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`values`, one row per datum, from the file `path`, and `label` from the file `labels`.

    The array is memory-mapped read-only, so it may be larger than the memory. An array in column
    order or of another byte order is read completely and must fit into memory.
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
    """The array of a file, memory-mapped if that is possible.

    Raises RunFailure: E0505, if the file is not an array of rows; E0513, if it must be read
    completely and does not fit into memory.
    """
    try:
        with path.open("rb") as file:
            found = header(file, path, path.stat().st_size)
            if not found.shape or not found.size:
                raise unreadable(path, f"it has the shape {found.shape}: there are no rows")
            if found.fortran or not found.dtype.isnative:
                hint = "save it with `numpy.ascontiguousarray`, in the byte order of this machine"
                require_memory(path, 2 * found.size, hint)
                return np.ascontiguousarray(values(file, found), found.dtype.newbyteorder("="))
        return np.memmap(path, found.dtype, "r", found.start, found.shape)
    except (OSError, EOFError) as error:
        raise unreadable(path, str(error)) from error
