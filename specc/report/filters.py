"""Filters: the weights of each unit as a picture, for matrices with an axis of pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.report.final_evaluation import PictureField
from specc.report.pictures import Pixels, grid

MOST = 64
"""The largest number of filters of a matrix."""

EXTREME = 0.999
"""The quantile of the absolute weights that is black or white."""


def filters(loaded: LoadedRun, shown: PictureField) -> Iterator[tuple[str, int, Pixels]]:
    """For each matrix, its name, its number of units, and the filters of the first ones as a grid.

    A matrix is a parameter node of two axes, one of which has the size of the picture; the other
    one is that of the units. Zero is grey, and the tones are the same for all units.
    """
    size = math.prod(shown.picture)
    parameters = dict(loaded.program.named_parameters())
    for name, sizes in loaded.manifest.parameters.items():
        if name.count(".") != 1 or len(sizes) != 2 or sizes.count(size) != 1:
            continue
        weights = parameters[name].detach()
        units = weights.mT if sizes[0] == size else weights
        yield name, len(units), grid(units[:MOST], shown.picture, tones=_tones(units))


def _tones(weights: Tensor) -> tuple[float, float]:
    """A range around zero that has nearly all weights."""
    ordered = weights.abs().flatten().sort().values
    most = ordered[math.ceil(EXTREME * (len(ordered) - 1))].item()
    most = most if torch.isfinite(ordered[-1]) and most > 0 else 1.0
    return -most, most
