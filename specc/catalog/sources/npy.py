"""One array, as `numpy.save` writes it."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="npy",
    summary="One array in an npy file, which stays in the file until a batch needs its rows.",
    references=(Reference("Harris et al. 2020", "Array programming with NumPy"),),
    example="data: {source: npy, path: a.npy, fields: {x: {from: values, shape: [13]}}}",
    options=(
        Option("path", "The file: a row a datum, the column `values`.", required=True, kind="path"),
        Option("labels", "A second file with the same rows: the column `label`.", kind="path"),
    ),
    endings=("npy",),
)
