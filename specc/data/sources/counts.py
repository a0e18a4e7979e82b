"""Bags of words in compressed sparse row format, as one row of counts per document."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.data_folder import folder_for, inside, require_memory, unreadable
from specc.data.sources.npz import arrays_of
from specc.data.table import ALL, Array, Column, Table

NEEDED = ("indptr", "indices", "counts", "shape")


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """The columns `counts` [documents, words] and `length` [documents], and masks for splits.

    Document d has the words `indices[indptr[d]:indptr[d+1]]`, and `counts` has their counts at the
    same places; the counts of a word that is listed several times are added. The column has the
    smallest integer type that is large enough.
    """
    path = inside(folder_for("counts", folder), str(options.get("path", "")))
    arrays = arrays_of(path, None if used is None else {*NEEDED, *used})
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise unreadable(path, f"it has no array `{missing[0]}`", f"it needs {', '.join(NEEDED)}")
    rows = _rows(path, arrays)
    masks = {name: a for name, a in arrays.items() if a.dtype == np.bool_}
    columns = {"counts": Column(rows), "length": Column(rows.sum(axis=1, dtype=np.int64))}
    for name, values in arrays.items():
        if name not in NEEDED and values.shape[:1] == rows.shape[:1] and name not in masks:
            columns[name] = Column(values)
    return Table({ALL: columns}, masks, place=path.name)


def _rows(path: Path, arrays: Mapping[str, Array]) -> Array:
    """The counts as a dense array [documents, words]; raises RunFailure E0505 or E0513."""
    for name in NEEDED:
        if arrays[name].dtype.kind not in "iu":
            problem = f"`{name}` holds {arrays[name].dtype}, not integers"
            raise unreadable(path, problem, f"save `{name}.astype(numpy.int64)`")
    indptr, indices, counts = (arrays[name].astype(np.int64) for name in NEEDED[:3])
    shape = tuple(int(size) for size in np.ravel(arrays["shape"]))
    problem = _problem(indptr, indices, counts, shape)
    if problem:
        raise unreadable(path, problem)
    documents = np.repeat(np.arange(shape[0]), np.diff(indptr))
    places, entry = np.unique(documents * shape[1] + indices, return_inverse=True)
    totals = np.zeros(len(places), np.int64)
    np.add.at(totals, entry, counts)
    most = int(totals.max()) if totals.size else 0
    kind = np.uint8 if most < 256 else np.uint16 if most < 65536 else np.int64
    size = shape[0] * shape[1] * np.dtype(kind).itemsize
    require_memory(path, size, f"{shape[0]} documents of {shape[1]} words are that large as rows")
    rows = np.zeros(shape, dtype=kind)
    rows.reshape(-1)[places] = totals
    return rows


def _problem(indptr: Array, indices: Array, counts: Array, shape: tuple[int, ...]) -> str:
    if len(shape) != 2 or min(shape) < 1:
        return "`shape` is not the number of documents and of words"
    if indptr.shape != (shape[0] + 1,) or indptr[0] != 0 or np.any(np.diff(indptr) < 0):
        return "`indptr` does not go up from 0, a step for each document"
    if indices.shape != counts.shape or indptr[-1] != len(indices):
        return "`indices` and `counts` have not the length that `indptr` ends with"
    if len(indices) and not (indices.min() >= 0 and indices.max() < shape[1]):
        return f"`indices` name words outside 0 to {shape[1] - 1}"
    return "`counts` has a negative number" if len(counts) and counts.min() < 0 else ""
