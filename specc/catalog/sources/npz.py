"""Arrays by name, as `numpy.savez` writes them."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="npz",
    summary="A column for each array of an npz file; nothing in it is unpickled.",
    references=(Reference("Harris et al. 2020", "Array programming with NumPy"),),
    example=(
        "data: {source: npz, path: a.npz, fields: {x: {from: features, shape: [13]}}, "
        'split: {test: "is_test[0]"}}'
    ),
    options=(
        Option(
            "path",
            "The file. Arrays `train`, `valid` and `test` (or `train_x`, ...) are parts of "
            "the column `values` (or `x`). Steps in `x` with their numbers in `x_lengths` (or "
            "`lengths`) are rows of unequal length, filled up with zeros.",
            required=True,
            kind="path",
        ),
    ),
    endings=("npz",),
    publishes=True,
)
