"""Arrays that the user passes in place of the files of a spec.

They are written to the run folder as an npz file, so that the run resumes and is evaluated with
the same data.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.runtime.failure import USAGE, RunFailure

FILE = "arrays.npz"

SETTINGS = ("data.source=npz", f"data.path={FILE}")
"""The settings with which a spec reads the file."""

Columns = Mapping[str, Any]
"""Columns by name: numpy arrays, tensors, lists of numbers, or a DataFrame of pandas or polars."""


def as_file(columns: Columns) -> bytes:
    """An npz file of the columns; raises RunFailure E0505 for one that is no array of numbers."""
    names = [str(name) for name in getattr(columns, "columns", columns)]
    if not names:
        raise _unusable("no column is given", "pass a mapping of names to arrays")
    arrays = {name: _array(name, columns[name]) for name in names}
    sizes = {name: len(own) for name, own in arrays.items()}
    if len(set(sizes.values())) > 1 and not _has_parts(names):
        shown = ", ".join(f"`{name}` {size}" for name, size in sizes.items())
        raise _unusable(f"the columns differ in their numbers of rows: {shown}", "")
    made = io.BytesIO()
    np.savez(made, allow_pickle=False, **arrays)
    return made.getvalue()


def shapes_of(file: Path | io.BytesIO) -> dict[str, tuple[int, ...]]:
    """The shape of a row of each array of a file, under the name of its column.

    `train_x` and `test_x` are the parts of the column `x`.
    """
    with np.load(file, allow_pickle=False) as arrays:
        shapes = {name: arrays[name].shape[1:] for name in arrays}
    if not _has_parts(list(shapes)):
        return shapes
    return {name.partition("_")[2]: shape for name, shape in shapes.items()}


def _has_parts(names: list[str]) -> bool:
    """Whether the arrays are parts, such as `train_x` and `test_x`."""
    return any(name.startswith("train") for name in names)


def _array(name: str, column: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - whatever numpy reads
    detached = column.detach().cpu() if hasattr(column, "detach") else column
    try:
        found = np.asarray(detached)
    except ValueError as error:
        raise _unusable(f"the column `{name}` is no array: {error}", "") from error
    if found.dtype.kind == "O" and all(isinstance(text, str) for text in found.flat):
        found = found.astype(np.str_)
    if found.dtype.kind not in "biufU":
        hint = "pass numbers, or texts that are categories"
        raise _unusable(f"the column `{name}` holds {found.dtype}, not numbers", hint)
    if not found.ndim:
        raise _unusable(f"the column `{name}` is a single number", "a column has rows")
    return found


def _unusable(problem: str, hint: str) -> RunFailure:
    return RunFailure("E0505", f"the data cannot be used: {problem}", hint=hint, exit_code=USAGE)
