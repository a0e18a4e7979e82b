"""Reductions of an event to a number, over its last `dims` axes; log-mean-exp over one axis."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime.functions.dtypes import to_float


def argmax(value: Tensor, *, dims: int) -> Tensor:
    """The first index of the maximum over the last `dims` axes flattened, int64."""
    return (value.flatten(-dims) if dims else value.unsqueeze(-1)).argmax(-1)


def argmin(value: Tensor, *, dims: int) -> Tensor:
    """The first index of the minimum over the last `dims` axes flattened, int64."""
    return (value.flatten(-dims) if dims else value.unsqueeze(-1)).argmin(-1)


def logmeanexp(value: Tensor, dim: int) -> Tensor:
    """Log 1/K sum_k exp(value_k) over the axis `dim` of size K."""
    return value.logsumexp(dim) - math.log(value.shape[dim])


def logsumexp(value: Tensor, axes: int | None = None, *, dims: int) -> Tensor:
    """Log sum exp over the last `axes` of `dims` axes, or over all of them.

    If all entries are -inf, it is -inf with the gradient 0.
    """
    dims = dims if axes is None else axes
    if not dims:
        return value
    row = value.flatten(-dims)
    possible = (row > -torch.inf).any(-1)
    total = torch.where(possible.unsqueeze(-1), row, 0.0).logsumexp(-1)
    return torch.where(possible, total, -torch.inf)


def mean(value: Tensor, *, dims: int) -> Tensor:
    """The mean over the last `dims` axes."""
    return to_float(value).flatten(-dims).mean(-1) if dims else to_float(value)


def mse(left: Tensor, right: Tensor, *, dims: int) -> Tensor:
    """The mean of (x_i - y_i)^2 over the last `dims` axes; the axes before them broadcast."""
    squares = to_float(left - right).square()
    return squares.flatten(-dims).mean(-1) if dims else squares


def norm(value: Tensor, *, dims: int) -> Tensor:
    """The square root of the sum of squares over the last `dims` axes."""
    if not dims:
        return value.abs()
    length: Tensor = torch.linalg.vector_norm(to_float(value).flatten(-dims), dim=-1)
    return length


def prod(value: Tensor, *, dims: int) -> Tensor:
    """The product over the last `dims` axes."""
    return value.flatten(-dims).prod(-1) if dims else value
