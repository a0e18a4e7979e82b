"""Squared distances of conditional mean embeddings over the rows of a batch, for losses.

    cmmd_i = n sum_j W_ij (k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)),
    W = (K + r I)^-1 K (K + r I)^-1,  K_ij = exp(-|c_i - c_j|^2 / (2 b^2))

The mean over i is the squared Hilbert-Schmidt distance of the empirical conditional embedding
operators of x and y given the same conditions c (Ren et al. 2016, section 3.1). It is at least 0,
and 0 if x = y. x and y are [..., n, *event] with events of `dims` axes, where a number has an axis
of size 1; c is [..., n, m], and the result [..., n]. It is not a number if K + r I is singular.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from specc.runtime.functions.discrepancies import differences
from specc.runtime.functions.dtypes import to_float
from specc.runtime.kernels import energy, linear, rational_quadratic, rbf


def rbf_conditional_mmd(
    x: Tensor,
    y: Tensor,
    condition: Tensor,
    regularization: float,
    width: float,
    bandwidth: float,
    *widths: float,
    dims: int,
) -> Tensor:
    """cmmd_i under the mean of Gaussian kernels of bandwidths `bandwidth` times each width."""
    gram = partial(rbf.gram, bandwidth=bandwidth, widths=widths)
    return _weighted(differences(gram, x, y, max(dims, 1)), condition, regularization, width)


def rational_quadratic_conditional_mmd(
    x: Tensor,
    y: Tensor,
    condition: Tensor,
    regularization: float,
    width: float,
    bandwidth: float,
    *alphas: float,
    dims: int,
) -> Tensor:
    """cmmd_i under the mean of rational quadratic kernels with the exponents `alphas`."""
    gram = partial(rational_quadratic.gram, bandwidth=bandwidth, alphas=alphas)
    return _weighted(differences(gram, x, y, max(dims, 1)), condition, regularization, width)


def linear_conditional_mmd(
    x: Tensor, y: Tensor, condition: Tensor, regularization: float, width: float, *, dims: int
) -> Tensor:
    """cmmd_i under the linear kernel, which compares conditional means."""
    gram = partial(linear.gram, bandwidth=1.0)
    return _weighted(differences(gram, x, y, max(dims, 1)), condition, regularization, width)


def energy_conditional_mmd(
    x: Tensor,
    y: Tensor,
    condition: Tensor,
    regularization: float,
    width: float,
    exponent: float,
    *,
    dims: int,
) -> Tensor:
    """cmmd_i under the distance kernel."""
    gram = partial(energy.gram, bandwidth=1.0, exponent=exponent)
    return _weighted(differences(gram, x, y, max(dims, 1)), condition, regularization, width)


def _weighted(pairs: Tensor, condition: Tensor, regularization: float, width: float) -> Tensor:
    """n sum_j W_ij pairs_ij; W is computed in float64, as K may be almost singular."""
    given = to_float(condition).double()
    kernel = rbf.gram(given, given, width, widths=(1.0,))
    identity = torch.eye(kernel.shape[-1], dtype=kernel.dtype, device=kernel.device)
    factor, failed = torch.linalg.cholesky_ex(kernel + regularization * identity)
    factor = factor.masked_fill((failed != 0)[..., None, None], math.nan)
    half = torch.cholesky_solve(kernel, factor)
    weights = torch.cholesky_solve(half.mT, factor).to(pairs.dtype)
    return pairs.shape[-1] * (weights * pairs).sum(-1)
