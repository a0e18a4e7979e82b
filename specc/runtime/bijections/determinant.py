"""log det(I + J) for the Jacobian J of a contraction: exact, or estimated without bias.

Chen, Behrmann, Duvenaud and Jacobsen (2019), Residual flows for invertible generative modeling,
section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.bijections.contraction import Contracted
from specc.runtime.noise import Noise
from specc.runtime.varying import varies

ALWAYS, STOP = 10, 0.25
"""Terms of the series that are always there, and the chance to stop at each one after them."""


def log_det(g: Contracted, slopes: list[Tensor], like: Tensor, noise: Noise | None) -> Tensor:
    """For each x [..., size]: exact by all `size` columns of J, or with noise an estimate.

    Where J has no more columns than the series has terms, the estimate is the exact value.
    """
    if noise is None or like.shape[-1] <= ALWAYS:
        jacobian = g.jacobian(slopes)
        eye = torch.eye(jacobian.shape[-1], dtype=like.dtype, device=like.device)
        # Not slogdet, whose gradient torch 2.13 compiles wrongly where it chooses the layout of J.
        triangles: Tensor = torch.linalg.lu_factor(eye + jacobian)[0]
        return triangles.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
    varies("an estimated log-determinant has a random number of terms")
    probe = torch.where(noise.uniform(like.shape) < 0.5, -1.0, 1.0).to(like)
    return series(g, slopes, probe, roulette(float(noise.uniform(()))))


def roulette(uniform: float) -> list[float]:
    """The factors of the terms, as many as are not stopped: 1 / P(the term is there) (eq. 6).

    The variance is finite where J's spectral radius is less than sqrt(1 - STOP) = 0.87.
    """
    more = math.floor(math.log1p(-uniform) / math.log1p(-STOP))
    return [1.0] * ALWAYS + [(1 - STOP) ** -k for k in range(1, more + 1)]


def series(g: Contracted, slopes: list[Tensor], probe: Tensor, factors: Sequence[float]) -> Tensor:
    """The sum over k of factor_k (-1)^(k+1) / k v^T J^k v, v the probe (eq. 4 and Hutchinson 1990).

    Without roulette, after n terms what is left is at most size L^(n+1) / ((n + 1) (1 - L)), L the
    Lipschitz constant of g.
    """
    v, total = probe, torch.zeros_like(probe[..., 0])
    for k, factor in enumerate(factors, 1):
        v = g.times(slopes, v)
        total = total - factor * (-1) ** k / k * (probe * v).sum(-1)
    return total
