"""The maximum mean discrepancy by its unbiased estimate, with a permutation test.

    MMD^2 = mean over i != j of k(x_i, x_j) + mean over i != j of k(y_i, y_j)
            - 2 mean over i, j of k(x_i, y_j)
    p = (1 + #{permuted MMD^2 >= MMD^2}) / (1 + permutations)

(Gretton et al. 2012, eq. 3 and section 5; Phipson and Smyth 2010, eq. 2). The bandwidth is that of
all rows together, so that it is the same for every permutation, and the test is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from specc.evaluate.compared import Compared, Value
from specc.runtime.noise import Noise

AT_ONCE = 512
"""The permutations of a chunk."""

SLACK = 1e-10
"""Differences below this multiple of the largest kernel value count as rounding errors."""


def compute(
    compared: Compared,
    *,
    kernel: Mapping[str, Mapping[str, Any]],
    bandwidth: float | None,
    permutations: int,
) -> dict[str, Value]:
    """MMD^2 with the standard error of the jackknife, and the p-value."""
    rows = torch.cat([compared.data, compared.samples])
    first = len(compared.data)
    gram = _gram(kernel, rows, bandwidth or median_distance(rows)).fill_diagonal_(0.0)
    own = torch.zeros(len(rows), 1, dtype=rows.dtype, device=rows.device)
    own[:first] = 1.0
    value = discrepancy(gram, own).item()
    slack = SLACK * gram.abs().max().item()
    above, done = 0, 0
    noise = compared.noise()
    while done < permutations:
        count = min(AT_ONCE, permutations - done)
        permuted = discrepancy(gram, _labels(noise, first, len(rows), count).to(gram))
        above += int((permuted >= value - slack).sum())
        done += count
    error = jackknife(gram, first) ** 0.5
    return {
        "mmd2": Value(value, error),
        "p_value": Value((1 + above) / (1 + permutations)),
    }


def _gram(kernel: Mapping[str, Mapping[str, Any]], rows: Tensor, bandwidth: float) -> Tensor:
    ((name, options),) = kernel.items()
    found: Tensor = import_module(f"specc.runtime.kernels.{name}").gram(
        rows, rows, bandwidth, **options
    )
    return found


def median_distance(rows: Tensor) -> float:
    """The median distance between two rows; 1 if it is 0."""
    distances = torch.pdist(rows)
    return distances.median().item() or 1.0


def _labels(noise: Noise, first: int, rows: int, count: int) -> Tensor:
    """Random subsets of `first` rows, [rows, count]: 1 for a chosen row, else 0."""
    order = noise.uniform((count, rows)).argsort(1)
    return (order.argsort(1) < first).double().mT


def discrepancy(gram: Tensor, first: Tensor) -> Tensor:
    """MMD^2 between the chosen rows and the others, [count].

    `gram` [rows, rows] has zeros on its diagonal; `first` [rows, count] is 1 where a row is chosen.
    """
    n = first[:, 0].sum()
    m = len(first) - n
    within = (first * (gram @ first)).sum(0)
    towards = gram.sum(1) @ first
    beyond = gram.sum() - 2.0 * towards + within
    return within / (n * (n - 1)) + beyond / (m * (m - 1)) - 2.0 * (towards - within) / (n * m)


def jackknife(gram: Tensor, first: int) -> float:
    """The leave-one-out jackknife variance of MMD^2 over both samples (Efron and Stein 1981)."""
    x, y, cross = gram[:first, :first], gram[first:, first:], gram[:first, first:]
    return _left_out(x, y, cross) + _left_out(y, x, cross.mT)


def _left_out(own: Tensor, other: Tensor, cross: Tensor) -> float:
    """(n - 1) / n sum over i of (MMD^2 without row i - their mean)^2."""
    n, m = cross.shape
    if n < 3:
        return float("nan")
    within = (own.sum() - 2.0 * own.sum(1)) / ((n - 1) * (n - 2))
    between = (cross.sum() - cross.sum(1)) / ((n - 1) * m)
    values = within + other.sum() / (m * (m - 1)) - 2.0 * between
    return ((n - 1) / n * (values - values.mean()).square().sum()).item()
