"""Pictures with missing entries and their imputations: lines of data, of means and of draws."""

from __future__ import annotations

import torch

from specc.evaluate.impute import Filled
from specc.report.final_evaluation import PictureField
from specc.report.pictures import HOLE, Pixels, grid

ACROSS, DOWN = 16, 3


def imputed_sheet(filled: Filled, shown: PictureField) -> Pixels:
    """The lines: original data if entries are hidden, data with missing entries, means, a draw."""
    count = min(ACROSS * DOWN, len(filled.known))
    wide = filled.known.ndim
    known = filled.known.reshape(*filled.known.shape, *[1] * (filled.values.ndim - wide))
    values = filled.values.double()
    low, high = shown.tones
    holes = torch.where(known, values, low + HOLE * (high - low))
    lines = [holes, values, filled.draws[0].double()]
    if filled.original is not None:
        lines.insert(0, filled.original.double())
    across = min(ACROSS, count)
    rows = [line[:count].reshape(count, -1) for line in lines]
    pieces = [
        line[start : start + across]
        for start in range(0, count - across + 1, across)
        for line in rows
    ]
    return grid(torch.cat(pieces), shown.picture, across, shown.tones)
