"""The rows of some classes, which a stage of training uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from specc.data.fields import FieldRows
from specc.data.load import Rows
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.noise import Noise


def rows_of_classes(rows: Rows, classes: Mapping[str, tuple[int, ...]], stage: str) -> Rows:
    """The rows which have one of the classes in every field; a missing value is none of them.

    Fields that the rows do not have are those of another source. Raises RunFailure: E0530, which
    names the stage, if there is no such row.
    """
    masks = [_mask(own, classes[name]) for name, own in rows.fields.items() if name in classes]
    if not masks:
        return rows
    chosen = torch.stack(masks).all(0).nonzero().flatten()
    if not len(chosen):
        words = ", ".join(f"{name}: {list(own)}" for name, own in classes.items())
        hint = f"change its `rows: {{{words}}}`"
        message = f"the part `{rows.name}` has no rows for `{stage}`"
        raise RunFailure("E0530", message, hint=hint, exit_code=USAGE)
    return replace(rows, chosen=chosen)


def _mask(own: FieldRows, classes: tuple[int, ...]) -> Tensor:
    every = slice(0, len(own))
    found = own.batch(every, Noise.at(0))
    mask = torch.isin(found.long(), torch.tensor(classes, device=found.device))
    return mask if own.known is None else mask & own.there(every)
