"""Precision and recall of samples by nearest neighbours.

    M(A) = union over a in A of the ball around a up to its k-th neighbour in A
    precision = fraction of samples in M(data),  recall = fraction of data in M(samples)

(Kynkaanniemi et al. 2019, eq. 1 and 2)
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.evaluate.compared import Compared, Value, distances, share

AT_ONCE = 1024
"""The rows of a chunk of distances."""


def compute(compared: Compared, *, neighbours: int) -> dict[str, Value]:
    """Both fractions, with their binomial standard errors."""
    data, samples = compared.data, compared.samples
    return {
        "precision": share(inside(samples, data, neighbours)),
        "recall": share(inside(data, samples, neighbours)),
    }


def inside(rows: Tensor, others: Tensor, neighbours: int) -> Tensor:
    """Whether each row is in the ball of one of the others, [rows]."""
    radii = torch.cat([_radii(part, others, neighbours) for part in torch.split(others, AT_ONCE)])
    found = [(distances(part, others) <= radii).any(-1) for part in torch.split(rows, AT_ONCE)]
    return torch.cat(found)


def _radii(rows: Tensor, others: Tensor, neighbours: int) -> Tensor:
    """The distance of each row to its k-th neighbour among `others`, which include the row."""
    nearest = min(neighbours + 1, len(others))
    return distances(rows, others).kthvalue(nearest, dim=-1).values
