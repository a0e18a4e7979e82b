"""The logarithm of softmax."""

from __future__ import annotations

from torch import Tensor

from specc.runtime.functions.real import real


def log_softmax(value: Tensor) -> Tensor:
    """x_i - log sum_j exp(x_j) along the last axis."""
    return real(value).log_softmax(-1)
