"""The inner product of two vectors."""

from __future__ import annotations

from torch import Tensor


def dot(left: Tensor, right: Tensor) -> Tensor:
    """sum_i x_i y_i over the last axis; the axes before it broadcast."""
    return (left * right).sum(-1)
