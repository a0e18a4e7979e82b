"""The classes that colour the points of a report.

They come from a field of the model, else from the column `label` of the same data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.data.read import parts_of
from specc.engine.storage.loaded_run import LoadedRun
from specc.report.svg import COLOURS
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Classes:
    """The field of the classes, the class of each row as a number from 0 on, and their names."""

    of: str
    numbers: tuple[int, ...]
    names: tuple[str, ...]


def classes_of(loaded: LoadedRun, part: str, batch: Batch) -> Classes | None:
    """The classes of the rows in `batch`, the first ones of a part; None if there are none."""
    fields = {n: own for n, own in loaded.manifest.fields.items() if n in batch}
    for name, field in fields.items():
        value = batch[name]
        if field.one_hot:
            return _numbered(name, value.reshape(len(value), -1).argmax(-1))
        if field.shape == () and not value.is_floating_point() and field.missing is None:
            found = _numbered(name, value)
            if found is not None:
                return found
    data = next((own for own in loaded.manifest.sources if set(own.fields) & set(batch)), None)
    return _of_the_data(loaded, data, part, len(next(iter(batch.values()))))


def _of_the_data(loaded: LoadedRun, data: Data | None, part: str, rows: int) -> Classes | None:
    if data is None or loaded.data is None or LABEL in data.fields:
        return None
    own = Field(LABEL, LABEL, (), "int64", Support("any"))
    try:
        parts = parts_of(replace(data, fields={LABEL: own}), loaded.data.folder).parts
        column = parts[part][LABEL]
    except (RunFailure, KeyError):
        return None
    found = _numbered(LABEL, torch.as_tensor(column.rows(0, rows).astype("int64")))
    if found is None or not column.classes:
        return found
    return replace(found, names=tuple(column.classes[int(name)] for name in found.names))


def _numbered(name: str, values: Tensor) -> Classes | None:
    """The values numbered in order; None if there is one, or more than there are colours."""
    kinds, numbers = torch.unique(values.cpu(), return_inverse=True)
    if not 1 < len(kinds) <= COLOURS:
        return None
    return Classes(name, tuple(numbers.tolist()), tuple(str(kind) for kind in kinds.tolist()))
