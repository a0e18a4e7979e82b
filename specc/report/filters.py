"""Filters: the weights of each unit as a picture, of kernels and of matrices with pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.report.final_evaluation import picture_field
from specc.report.pictures import Pixels, channels, grid

MOST = 64
"""The largest number of filters of an array."""

EXTREME = 0.999
"""The quantile of the absolute weights that is black or white."""


def filters(loaded: LoadedRun) -> Iterator[tuple[str, int, Pixels]]:
    """The name of each array of filters, the number of its units, and the first ones as a grid.

    A matrix is a parameter node of two axes, one of which has the size of a picture of the data;
    the other one is that of the units. The kernels of a link are filters if they have the channels
    of the picture. Zero is grey, and the tones are the same for all units.
    """
    picture = _picture(loaded)
    if picture is None:
        return
    parameters = dict(loaded.program.named_parameters())
    for name, sizes in loaded.manifest.parameters.items():
        weights = parameters[name].detach()
        if name.count(".") == 1 and len(sizes) == 2 and sizes.count(math.prod(picture)) == 1:
            units = weights.mT if sizes[0] == math.prod(picture) else weights
            yield name, len(units), grid(units[:MOST], picture, tones=_tones(units))
        elif len(sizes) == 4 and sizes[0] > 1 and sizes[1] == channels(picture):
            units = weights.movedim(1, -1)
            drawn = grid(units[:MOST], units.shape[1:], tones=_tones(units))
            yield ".".join(name.split(".")[:2]), len(weights), drawn


def _picture(loaded: LoadedRun) -> tuple[int, ...] | None:
    """The sizes of the first picture among the fields, of observed nodes rather than given ones."""
    shown = picture_field(loaded)
    if shown is not None:
        return shown.picture
    return next((own.picture for own in loaded.manifest.fields.values() if own.picture), None)


def _tones(weights: Tensor) -> tuple[float, float]:
    """A range around zero that has nearly all weights."""
    ordered = weights.abs().flatten().sort().values
    most = ordered[math.ceil(EXTREME * (len(ordered) - 1))].item()
    most = most if torch.isfinite(ordered[-1]) and most > 0 else 1.0
    return -most, most
