"""Calibration: the accuracy of predictions in bins of their confidence.

    expected calibration error = sum_m n_m / n |accuracy_m - confidence_m|

over bins m = 1..M of equal width, ((m - 1) / M, m / M], with n_m of the n rows in each (Guo,
Pleiss, Sun and Weinberger 2017, eq. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The number of rows in a range of confidence, and their means; nan without rows."""

    rows: int
    confidence: float
    accuracy: float


def binned(confidence: Tensor, right: Tensor, bins: int = BINS) -> tuple[Bin, ...]:
    """The bins in order, from the confidence in [0, 1] and the correctness of rows: [rows] each."""
    edges = torch.arange(1, bins, dtype=torch.float64, device=confidence.device) / bins
    place = torch.bucketize(confidence.double(), edges)
    rows = place.bincount(minlength=bins)
    sums = [place.bincount(own.double(), minlength=bins) for own in (confidence, right)]
    confidences, accuracies = ((own / rows).tolist() for own in sums)
    return tuple(map(Bin, rows.tolist(), confidences, accuracies))


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error; nan if a confidence is nan."""
    filled = [each for each in bins if each.rows]
    total = sum(each.rows for each in filled)
    return sum(each.rows / total * abs(each.accuracy - each.confidence) for each in filled)
