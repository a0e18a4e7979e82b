"""Features of rows of data and of samples of one node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from torch import Tensor

from specc.evaluate.compared import OpenRun


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of data and samples of `node`, in the units of the model and in those of the data.

    `picture` has the height, the width and the channels of a row that is an image.
    """

    node: str
    model: tuple[Tensor, Tensor]
    data: tuple[Tensor, Tensor]
    picture: tuple[int, ...] | None
    open_run: OpenRun


def featured(
    rows: Rows, chosen: Mapping[str, Mapping[str, Any]] | None
) -> tuple[Tensor, Tensor, str]:
    """The features of data and samples, [rows, size] in float64, and their description.

    By default they are the values, with an empty description.
    """
    if chosen is None:
        first, second = (own.reshape(len(own), -1).double() for own in rows.model)
        return first, second, ""
    ((name, options),) = chosen.items()
    module = import_module(f"specc.evaluate.features.{name}")
    (data, samples), words = module.features(rows, **options)
    return data.double(), samples.double(), words
