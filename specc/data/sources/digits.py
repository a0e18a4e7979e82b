"""The 8x8 handwritten digits that ship with scikit-learn: 1,797 pictures, no download."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    # The import takes a second.
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    found = load_digits()
    levels = found.data.astype(np.uint8)
    part = {
        "image": Column(levels, 1 / 16),
        "level": Column(levels),
        "shade": Column(np.minimum(levels // 4, 3)),
        "label": Column(found.target.astype(np.uint8)),
    }
    return Table({ALL: part}, default_split={"test": 0.2}, place="digits")
