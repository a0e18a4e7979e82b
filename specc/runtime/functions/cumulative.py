"""Functions of the order of the entries of a vector: sums up to each, differences, sorting."""

from __future__ import annotations

from torch import Tensor

from specc.runtime.functions.dtypes import to_float


def cumprod(value: Tensor) -> Tensor:
    """prod_(j <= i) x_j along the last axis."""
    return to_float(value).cumprod(-1)


def cumsum(value: Tensor) -> Tensor:
    """sum_(j <= i) x_j along the last axis."""
    return to_float(value).cumsum(-1)


def diff(value: Tensor) -> Tensor:
    """x_(i + 1) - x_i along the last axis: [..., n - 1]."""
    return to_float(value).diff(dim=-1)


def sort(value: Tensor) -> Tensor:
    """The entries in increasing order along the last axis."""
    return value.sort(-1).values
