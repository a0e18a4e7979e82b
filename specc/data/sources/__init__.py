"""The readers of sources, which `specc.catalog.sources` declares."""

from __future__ import annotations

import importlib
from typing import cast

from specc.data.table import Reader
from specc.runtime.failure import USAGE, RunFailure

NAMES = (
    "counts",
    "csv",
    "curves",
    "digits",
    "idx",
    "images",
    "json",
    "mnist",
    "npy",
    "npz",
    "parquet",
    "point_clouds",
    "text_file",
    "toy",
)


def reader(name: str) -> Reader:
    """The function that reads the source `name`.

    Raises RunFailure: E0501, if there is no such source.
    """
    if name not in NAMES:
        hint = f"the sources are {', '.join(NAMES)}"
        message = f"there is no data source `{name}`"
        raise RunFailure("E0501", message, hint=hint, exit_code=USAGE)
    return cast("Reader", importlib.import_module(f"specc.data.sources.{name}").read)
