"""The classes by which the points of a report are coloured.

They are those of a field that the model reads, else of the column `label` of the same data, which
no model has to read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.data.read import parts_of
from specc.engine.opened import OpenRun
from specc.report.svg import COLOURS
from specc.runtime.failure import RunFailure
from specc.runtime.manifest import Field, Support

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Classes:
    """The class of each row as a number from 0 on, what the classes are called, and of what."""

    of: str
    numbers: tuple[int, ...]
    names: tuple[str, ...]


def classes_of(opened: OpenRun, part: str, batch: Batch) -> Classes | None:
    """The classes of the first rows of a part, which `batch` has; None where there are none."""
    fields = opened.manifest.data.fields if opened.manifest.data else {}
    for name, field in fields.items():
        value = batch[name]
        if field.one_hot:
            return _numbered(name, value.reshape(len(value), -1).argmax(-1))
        if field.shape == () and not value.is_floating_point() and field.missing is None:
            found = _numbered(name, value)
            if found is not None:
                return found
    return _of_the_data(opened, part, len(next(iter(batch.values()))))


def _of_the_data(opened: OpenRun, part: str, rows: int) -> Classes | None:
    data = opened.manifest.data
    if data is None or opened.data is None or LABEL in data.fields:
        return None
    own = Field(LABEL, LABEL, (), "int64", Support("any"))
    try:
        parts = parts_of(replace(data, fields={LABEL: own}), opened.data.folder)
        column = parts[part][LABEL]
    except (RunFailure, KeyError):
        return None
    found = _numbered(LABEL, torch.as_tensor(column.rows(0, rows).astype("int64")))
    if found is None or not column.classes:
        return found
    return replace(found, names=tuple(column.classes[int(name)] for name in found.names))


def _numbered(name: str, values: Tensor) -> Classes | None:
    """Numbers of the values in their order; None where there is one, or more than have colours."""
    kinds, numbers = torch.unique(values.cpu(), return_inverse=True)
    if not 1 < len(kinds) <= COLOURS:
        return None
    return Classes(name, tuple(numbers.tolist()), tuple(str(kind) for kind in kinds.tolist()))
