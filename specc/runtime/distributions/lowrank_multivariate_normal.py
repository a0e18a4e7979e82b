"""The normal distribution of vectors whose covariance is of low rank plus a diagonal.

    log N(x; loc, S) = -(y' S^-1 y + log |S| + n log(2 pi)) / 2,  y = x - loc,  S = F F' + diag(d)
    y' S^-1 y = min_u (y - F u)' D^-1 (y - F u) + u' u,  at u = C^-1 F' D^-1 y
    |S| = |C| |D|,  C = I + F' D^-1 F,  D = diag(d)

x, loc and d = cov_diag [..., n]; F = cov_factor [..., n, r]; leading axes broadcast, and the result
has no vector axis. The cost is linear in n. The minimum is a sum of squares, while the identity of
Woodbury would subtract them. Ong, Nott and Smith (2018), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions.normal import HALF_LOG_2PI
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, loc: Number, cov_factor: Tensor, cov_diag: Number) -> Tensor:
    """The log-density; loc and cov_diag may be floats, the same for all entries."""
    d = number.broadcast(cov_diag, cov_factor[..., 0])
    y = number.tensor(number.minus(value, loc))
    scaled, tril = _capacitance(cov_factor, d)
    u = torch.cholesky_solve((y.unsqueeze(-2) @ scaled).mT, tril)
    rest = y - (cov_factor @ u).squeeze(-1)
    squares = (rest * rest / d).sum(-1) + (u * u).sum((-2, -1))
    found: Tensor = -0.5 * (squares + _log_det(tril, d)) - d.shape[-1] * HALF_LOG_2PI
    return found


def rsample(
    noise: Noise,
    loc: Number,
    cov_factor: Tensor,
    cov_diag: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Draw loc + F e + sqrt(d) f, e and f ~ N(0, I): differentiable in all parameters."""
    d = number.broadcast(cov_diag, cov_factor[..., 0])
    size = number.full_shape(shape, loc, d)
    along = noise.normal((*size[:-1], cov_factor.shape[-1])).unsqueeze(-2)
    return loc + (along @ cov_factor.mT).squeeze(-2) + d.sqrt() * noise.normal(size)


@torch.no_grad()
def sample(
    noise: Noise,
    loc: Number,
    cov_factor: Tensor,
    cov_diag: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, loc, cov_factor, cov_diag, shape=shape)


def mean(loc: Number, cov_factor: Tensor, cov_diag: Number) -> Tensor:
    """The mean, loc, in the shape of the parameters."""
    return number.broadcast(loc, number.broadcast(cov_diag, cov_factor[..., 0]))


def _capacitance(cov_factor: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """D^-1 F, and the Cholesky factor of C = I + F' D^-1 F."""
    scaled = cov_factor / d.unsqueeze(-1)
    eye = torch.eye(cov_factor.shape[-1], dtype=d.dtype, device=d.device)
    tril: Tensor = torch.linalg.cholesky(eye + cov_factor.mT @ scaled)
    return scaled, tril


def _log_det(tril: Tensor, d: Tensor) -> Tensor:
    """log |S| = log |C| + log |D|."""
    return 2 * tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + d.log().sum(-1)
