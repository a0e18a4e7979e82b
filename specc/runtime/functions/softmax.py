"""Numbers as a point of the simplex."""

from __future__ import annotations

from torch import Tensor

from specc.runtime.functions.real import real


def softmax(value: Tensor) -> Tensor:
    """exp(x_i) / sum_j exp(x_j) along the last axis."""
    return real(value).softmax(-1)
