"""Squared maximum mean discrepancies over the rows of a batch, for losses.

    mmd_i = 1/(n - 1) sum over j != i of k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)

(Gretton et al. 2012, equation 4). The mean over i is the unbiased estimate of MMD^2 from n rows of
pairs (x_i, y_i); within a pair x and y may depend on each other. One row has no pairs: its value is
0. x and y are [..., n, *event], their events of `dims` axes are vectors to the kernels, and the
result is [..., n].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from specc.runtime.functions.dtypes import promote_dtypes, to_float
from specc.runtime.kernels import energy, linear, rational_quadratic, rbf

Gram = Callable[[Tensor, Tensor], Tensor]


def rbf_mmd(x: Tensor, y: Tensor, bandwidth: float, *widths: float, dims: int) -> Tensor:
    """mmd_i under the mean of Gaussian kernels of bandwidths `bandwidth` times each width."""
    return _discrepancy(partial(rbf.gram, bandwidth=bandwidth, widths=widths), x, y, dims)


def rational_quadratic_mmd(
    x: Tensor, y: Tensor, bandwidth: float, *alphas: float, dims: int
) -> Tensor:
    """mmd_i under the mean of rational quadratic kernels with the exponents `alphas`."""
    gram = partial(rational_quadratic.gram, bandwidth=bandwidth, alphas=alphas)
    return _discrepancy(gram, x, y, dims)


def linear_mmd(x: Tensor, y: Tensor, *, dims: int) -> Tensor:
    """mmd_i under the linear kernel."""
    return _discrepancy(partial(linear.gram, bandwidth=1.0), x, y, dims)


def energy_mmd(x: Tensor, y: Tensor, exponent: float, *, dims: int) -> Tensor:
    """mmd_i under the distance kernel; its mean estimates the energy distance."""
    return _discrepancy(partial(energy.gram, bandwidth=1.0, exponent=exponent), x, y, dims)


def differences(gram: Gram, x: Tensor, y: Tensor, dims: int) -> Tensor:
    """k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i): [..., n, n] from [..., n, *event]."""
    first, second = promote_dtypes(*(to_float(_vectors(value, dims)) for value in (x, y)))
    first, second = torch.broadcast_tensors(first, second)  # type: ignore[no-untyped-call]
    cross = gram(first, second)
    return gram(first, first) + gram(second, second) - cross - cross.mT


def _discrepancy(gram: Gram, x: Tensor, y: Tensor, dims: int) -> Tensor:
    pairs = differences(gram, x, y, dims)
    rows = pairs.shape[-1]
    same = torch.eye(rows, dtype=torch.bool, device=pairs.device)
    return pairs.masked_fill(same, 0.0).sum(-1) / max(rows - 1, 1)


def _vectors(value: Tensor, dims: int) -> Tensor:
    """The values with each event of `dims` axes flattened to a vector."""
    return value.unsqueeze(-1) if dims == 0 else value.flatten(value.dim() - dims)
