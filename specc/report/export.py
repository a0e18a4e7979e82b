"""Export of rows as an npz file or as CSV."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.generic]]


def as_npz(arrays: Arrays) -> bytes:
    """The arrays by name, as `numpy.load` reads them, without pickled objects."""
    data = BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    return data.getvalue()


def as_csv(
    arrays: Arrays, precision: npt.DTypeLike = np.float64, estimates: Collection[str] = ()
) -> bytes:
    """CSV with a header of column names and a line for each row.

    A scalar is the column `y`; the entries of a vector are `x.0`, `x.1`, ..., those of a matrix
    `x.0.0`, and so on. Texts are in quotes where they need them. Numbers are the shortest decimals
    that are read back exactly, and integers have no point. Values in float64 that a run computed
    with a lower `precision` have its digits, and `estimates` by draws have those of float32.
    """
    names: list[str] = []
    columns: list[list[str]] = []
    for name, values in arrays.items():
        shape = values.shape[1:]
        places = product(*(range(size) for size in shape))
        names += [".".join([name, *map(str, place)]) for place in places]
        own = np.dtype(np.float32 if name in estimates else precision)
        columns += _columns(values.reshape(len(values), -1), own)
    header = _quoted(np.array(names)).tolist()
    lines = [",".join(header), *map(",".join, zip(*columns, strict=True))]
    return ("\n".join(lines) + "\n").encode()


def _columns(
    values: npt.NDArray[np.generic], precision: np.dtype[np.generic]
) -> Iterator[list[str]]:
    """The cells of each column of a matrix."""
    if values.dtype.kind == "U":
        yield from _quoted(values).T.tolist()
        return
    own = values.astype(np.int64) if values.dtype == bool else values
    is_finer = own.dtype == np.float64 and precision != np.float64
    for column in own.T:
        cells = (_rounded(column.astype(np.float64)) if is_finer else column).astype(str)
        yield [cell.removesuffix(".0") for cell in cells.tolist()]


FINEST = 1e-5
"""The largest error of a rounded value, as a fraction of the range of its column."""


def _rounded(column: npt.NDArray[np.float64]) -> npt.NDArray[np.floating[Any]]:
    """The numbers of a column with the digits of float32.

    They are float32, unless a large value beside a narrow range needs more digits, as times in
    seconds do: those are rounded to a power of ten.
    """
    known = column[np.isfinite(column)]
    spread = np.ptp(known) if len(known) else 0.0
    largest = np.abs(known).max(initial=0.0)
    if largest >= np.finfo(np.float32).max:
        return column
    if spread == 0.0 or float(np.spacing(np.float32(largest))) <= FINEST * spread:
        return column.astype(np.float32)
    return column.round(math.ceil(-math.log10(FINEST / 10 * spread)))


def _quoted(texts: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The texts of cells, in quotes if they have a delimiter, a quote or the end of a line."""
    cells = [
        '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text
        for text in texts.astype(np.str_).ravel().tolist()
    ]
    return np.array(cells).reshape(texts.shape)
