"""Numbered rows for a program without data, such as a guide that is fitted to a density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specc.data.table import ALL, Column, Table

ROWS = "rows"
"""The name of this source in a manifest; no spec can use it."""


def numbered_rows(options: Mapping[str, Any]) -> Table:
    """One column `row`, the numbers 0 to n - 1, with n the option `rows`."""
    rows = np.arange(int(options.get("rows", 1)), dtype=np.int64)
    return Table({ALL: {"row": Column(rows)}}, {}, place="the rows of a program without data")
