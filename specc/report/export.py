"""Export of rows as an npz file or as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from itertools import product

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.generic]]


def as_npz(arrays: Arrays) -> bytes:
    """The arrays by name, as `numpy.load` reads them, without pickled objects."""
    data = BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    return data.getvalue()


def as_csv(arrays: Arrays) -> bytes:
    """CSV with a header of column names and a line for each row.

    A scalar is the column `y`; the entries of a vector are `x.0`, `x.1`, ..., those of a matrix
    `x.0.0`, and so on. Numbers have enough digits to be read back exactly; texts are in quotes
    where they need them.
    """
    names, columns = [], []
    for name, values in arrays.items():
        shape = values.shape[1:]
        places = product(*(range(size) for size in shape))
        names += [".".join([name, *map(str, place)]) for place in places]
        own = values.astype(np.int64) if values.dtype == bool else values
        own = _quoted(own) if own.dtype.kind == "U" else own
        columns.append(own.reshape(len(values), -1).astype(str))
    lines = [",".join(names), *map(",".join, np.concatenate(columns, axis=1))]
    return ("\n".join(lines) + "\n").encode()


def _quoted(texts: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The texts of cells, in quotes if they have a delimiter, a quote or the end of a line."""
    cells = [
        '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text
        for text in texts.astype(np.str_).ravel().tolist()
    ]
    return np.array(cells).reshape(texts.shape)
