"""Rows of a program that takes no data, such as a guide fitted to a density: numbers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specc.data.table import ALL, Column, Table

ROWS = "rows"
"""What a manifest calls this source; no spec can name it."""


def numbered(options: Mapping[str, Any]) -> Table:
    """One column `row`, the numbers 0 to n - 1, with n the option `rows`."""
    rows = np.arange(int(options.get("rows", 1)), dtype=np.int64)
    return Table({ALL: {"row": Column(rows)}}, {}, place="the rows of a program without data")
