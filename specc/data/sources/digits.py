"""The 8x8 handwritten digits that ship with scikit-learn: 1,797 pictures, no download."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.table import ALL, Column, Table


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """The columns `image`, `level`, `shade` and `label`.

    `image` [64] has multiples of 1/16, `level` [64] the same as 0 to 16, `shade` [64] four steps of
    it, 0 to 3, and `label` the digit.
    """
    del options, folder, used
    rows = np.loadtxt(_file(), delimiter=",", dtype=np.uint8)
    levels, labels = rows[:, :-1], rows[:, -1]
    part = {
        "image": Column(levels, 1 / 16),
        "level": Column(levels),
        "shade": Column(np.minimum(levels // 4, 3)),
        "label": Column(labels),
    }
    return Table({ALL: part}, default_split={"test": 0.2}, place="digits")


def _file() -> Path:
    """The file of the package, whose import would take more than a second."""
    package = find_spec("sklearn")
    assert package is not None and package.origin is not None, "a dependency"
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
