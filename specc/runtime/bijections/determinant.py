"""log det(I + J) for the Jacobian J of a contraction: exact, or an unbiased estimate.

Chen, Behrmann, Duvenaud and Jacobsen (2019), Residual flows for invertible generative modeling,
section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.bijections.lipschitz_network import NormalizedNetwork
from specc.runtime.control_flow import data_dependent
from specc.runtime.noise import Noise

ALWAYS, STOP = 10, 0.25
"""The number of terms that are always computed, and the probability to stop after each other."""


def log_det(
    g: NormalizedNetwork, slopes: list[Tensor], like: Tensor, noise: Noise | None
) -> Tensor:
    """log det(I + J) for each x [..., size]: exact without noise, an unbiased estimate with noise.

    If J has no more columns than the series has terms, the result is exact in both cases.
    """
    if noise is None or like.shape[-1] <= ALWAYS:
        jacobian = g.jacobian(slopes)
        eye = torch.eye(jacobian.shape[-1], dtype=like.dtype, device=like.device)
        # Not slogdet, whose gradient torch 2.13 compiles wrongly where it chooses the layout of J.
        triangles: Tensor = torch.linalg.lu_factor(eye + jacobian)[0]
        return triangles.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
    data_dependent("an estimated log-determinant has a random number of terms")
    probe = torch.where(noise.uniform(like.shape) < 0.5, -1.0, 1.0).to(like)
    return series(g, slopes, probe, roulette(float(noise.uniform(()))))


def roulette(uniform: float) -> list[float]:
    """The weights 1 / P(the term is computed) of the terms, for a random number of terms (eq. 6).

    The variance is finite if the spectral radius of J is less than sqrt(1 - STOP) = 0.87.
    """
    more = math.floor(math.log1p(-uniform) / math.log1p(-STOP))
    return [1.0] * ALWAYS + [(1 - STOP) ** -k for k in range(1, more + 1)]


def series(
    g: NormalizedNetwork, slopes: list[Tensor], probe: Tensor, factors: Sequence[float]
) -> Tensor:
    """The sum over k of factor_k (-1)^(k+1) / k v^T J^k v for the probe v (eq. 4; Hutchinson 1990).

    Without roulette, the remainder after n terms is at most size L^(n+1) / ((n + 1) (1 - L)), with
    the Lipschitz constant L of g.
    """
    v, total = probe, torch.zeros_like(probe[..., 0])
    for k, factor in enumerate(factors, 1):
        v = g.times(slopes, v)
        total = total - factor * (-1) ** k / k * (probe * v).sum(-1)
    return total
