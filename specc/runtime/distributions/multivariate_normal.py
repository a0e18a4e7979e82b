"""The multivariate normal distribution of vectors of n numbers, by its Cholesky factor.

    log N(x; loc, L L') = -|y|^2 / 2 - sum_i log L_ii - n log(2 pi) / 2,  L y = x - loc

x and loc [..., n]; L = scale_tril [..., n, n] lower triangular with a positive diagonal; leading
axes broadcast, and the result has no vector axis. Bishop (2006), equation 1.52.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions.normal import HALF_LOG_2PI
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, scale_tril: Tensor) -> Tensor:
    """The log-density; loc may be a float, the same for all entries."""
    y = _solve(scale_tril, number.tensor(number.minus(value, loc)))
    return -0.5 * (y * y).sum(-1) - _log_det(scale_tril) - scale_tril.shape[-1] * HALF_LOG_2PI


def rsample(
    noise: Noise, loc: Number, scale_tril: Tensor, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Draw loc + L eps, eps ~ N(0, I): differentiable in loc and L."""
    size = number.full_shape(shape, loc, scale_tril[..., 0])
    eps = noise.normal(size).unsqueeze(-2)
    return loc + (eps @ scale_tril.mT).squeeze(-2)


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, scale_tril: Tensor, *, shape: Sequence[int] | None = None
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, scale_tril, shape=shape)


def mean(loc: Number, scale_tril: Tensor) -> Tensor:
    """The mean, loc, in the shape of the parameters."""
    return number.broadcast(loc, scale_tril[..., 0])


def entropy(loc: Number, scale_tril: Tensor) -> Tensor:
    """The entropy, sum_i log L_ii + n (1 + log(2 pi)) / 2."""
    leading = number.broadcast(loc, scale_tril[..., 0])[..., 0]
    constant = scale_tril.shape[-1] * (0.5 + HALF_LOG_2PI)
    return number.broadcast(_log_det(scale_tril) + constant, leading)


def kl_multivariate_normal(
    loc: Number, scale_tril: Tensor, other_loc: Number, other_scale_tril: Tensor
) -> Tensor:
    """KL(p || q) = (|M^-1 L|^2 + |M^-1 (loc - other_loc)|^2 - n) / 2 + sum_i log(M_ii / L_ii).

    M is the other factor; |.|^2 sums the squares of all entries.
    """
    shift = number.broadcast(number.minus(loc, other_loc), scale_tril[..., 0])
    ratio = torch.linalg.solve_triangular(other_scale_tril, scale_tril, upper=False)
    squares = (ratio * ratio).sum((-2, -1)) + _solve(other_scale_tril, shift).square().sum(-1)
    log_ratio = _log_det(other_scale_tril) - _log_det(scale_tril)
    kl: Tensor = 0.5 * (squares - scale_tril.shape[-1]) + log_ratio
    return kl


def _log_det(scale_tril: Tensor) -> Tensor:
    return scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _solve(scale_tril: Tensor, x: Tensor) -> Tensor:
    """The solution y of L y = x; if all rows share L, they are columns of one solve."""
    shared = scale_tril.dim() == 2
    columns = x.reshape(-1, x.shape[-1]).mT if shared else x.unsqueeze(-1)
    y: Tensor = torch.linalg.solve_triangular(scale_tril, columns, upper=False)
    return y.mT.reshape(x.shape) if shared else y.squeeze(-1)
