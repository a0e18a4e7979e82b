"""The LKJ distribution of correlation matrices, by their Cholesky factors.

    log p(L) = sum_(i = 2)^n (n - i + 2 c - 2) log L_ii - log Z

L [..., n, n] lower triangular, with rows of norm 1 and a positive diagonal; c = concentration > 0
is a number for each matrix. Lewandowski, Kurowicka and Joe (2009), sections 2.4 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.bijections.cholesky import CorrCholesky
from specc.runtime.log_gamma import binet
from specc.runtime.noise import Noise
from specc.runtime.number import Number

STEPS = 10
"""Steps of the recurrence, to where the series of Binet's function is exact."""


def log_prob(value: Tensor, concentration: Number) -> Tensor:
    """The log-density of the entries below the diagonal; -inf without a positive diagonal."""
    x, c = number.reals(value, concentration)
    diagonal = x.diagonal(dim1=-2, dim2=-1)[..., 1:]
    inside = (diagonal > 0).all(-1)
    size = x.shape[-1]
    powers = torch.arange(size - 2, -1, -1, device=x.device) + 2 * (c.unsqueeze(-1) - 1)
    log_p = (powers * torch.where(diagonal > 0, diagonal, 1.0).log()).sum(-1)
    return torch.where(inside, log_p - _log_normalizer(c, size), -torch.inf)


def rsample(noise: Noise, concentration: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw by the C-vine: tanh(u_ij) of `CorrCholesky` is 2 b - 1, b ~ Beta(a_j, a_j).

    a_j = c + (n - 1 - j) / 2, j from 1. Differentiable in the concentration. `shape` gives n.
    """
    if shape is None:
        raise ValueError("the shape gives the number of variables")
    size = shape[-1]
    columns = torch.tril_indices(size, size, -1)[1]
    (c,) = number.reals(concentration)
    a = c.unsqueeze(-1) + (0.5 * (size - 2 - columns)).to(c)
    entries = (*shape[:-2], len(columns))
    # atanh(2 b - 1) is half of the log-odds of b.
    u = 0.5 * (noise.log_gamma(a, entries) - noise.log_gamma(a, entries))
    return CorrCholesky().forward(u)[0]


@torch.no_grad()
def sample(noise: Noise, concentration: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """A draw without gradient, of the given shape."""
    return rsample(noise, concentration, shape=shape)


def _log_normalizer(c: Tensor, size: int) -> Tensor:
    """log Z = sum_j (n - j) (log(pi) / 2 + log Gamma(a_j) - log Gamma(a_j + 1/2))."""
    j = torch.arange(1, size, device=c.device)
    difference = _half_step(c.unsqueeze(-1) + 0.5 * (size - 1 - j))
    return ((size - j) * (0.5 * math.log(math.pi) + difference)).sum(-1)


def _half_step(a: Tensor) -> Tensor:
    """log Gamma(a) - log Gamma(a + 1/2), a > 0, without the difference of two large numbers.

    With f(a) = log(1 + 1 / 2a) + f(a + 1) it is a sum and f at b = a + 10, which is
    1/2 - log(b) / 2 - b log(1 + 1 / 2b) + mu(b) - mu(b + 1/2), with mu Binet's function.
    """
    above = (0.5 / (a.unsqueeze(-1) + torch.arange(STEPS, device=a.device))).log1p().sum(-1)
    b = a + STEPS
    return above + 0.5 * (1 - b.log()) - b * (0.5 / b).log1p() + (binet(b) - binet(b + 0.5))
