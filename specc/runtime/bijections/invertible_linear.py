"""A learnt invertible matrix, for vectors or for the channels of images.

Kingma and Dhariwal (2018), Glow: Generative flow with invertible 1x1 convolutions, section 3.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import zero_log_det


class InvertibleLinear(Bijection):
    """u = P L U x, along the first axis of an event of shape `shape` (eq. 10).

    L is lower triangular with ones on its diagonal, U upper triangular, P a fixed permutation.
    `factors` has L below its diagonal, U above it, and log |U_ii| on it, so log |det du/dx| is the
    sum of its diagonal, times the number of positions of an image (eq. 11). The initial matrix is a
    random rotation from `seed`, which determines P and the signs of U_ii.
    """

    order: Tensor
    sign: Tensor

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__()
        size, *places = shape
        self.places, self.rank = math.prod(places), len(shape)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(size, size, generator=generator, dtype=torch.float64)
        packed, pivots = torch.linalg.lu_factor(torch.linalg.qr(noise)[0])
        order = torch.lu_unpack(packed, pivots, unpack_data=False)[0].argmax(1)
        diagonal = packed.diagonal()
        factors = torch.where(torch.eye(size) > 0, diagonal.abs().log(), packed)
        self.factors = nn.Parameter(factors.to(torch.get_default_dtype()))
        self.register_buffer("order", order)
        self.register_buffer("sign", diagonal.sign().to(torch.get_default_dtype()))

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return self._times(self.inverse_matrix(), u), zero_log_det(u, self.rank) - self._log_det()

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return self._times(self.matrix(), x), zero_log_det(x, self.rank) + self._log_det()

    def matrix(self) -> Tensor:
        """The matrix P L U."""
        lower, upper = self._triangles()
        product: Tensor = lower @ upper
        return product[self.order]

    def inverse_matrix(self) -> Tensor:
        """The inverse of the matrix, from two triangular systems."""
        lower, upper = self._triangles()
        eye = torch.eye(len(lower), dtype=lower.dtype, device=lower.device)
        moved = eye[self.order].mT
        inner = torch.linalg.solve_triangular(lower, moved, upper=False, unitriangular=True)
        outer: Tensor = torch.linalg.solve_triangular(upper, inner, upper=True)
        return outer

    def _triangles(self) -> tuple[Tensor, Tensor]:
        eye = torch.eye(len(self.sign), dtype=self.factors.dtype, device=self.factors.device)
        diagonal = self.sign * self.factors.diagonal().exp()
        return self.factors.tril(-1) + eye, self.factors.triu(1) + diagonal.diag()

    def _log_det(self) -> Tensor:
        return self.factors.diagonal().sum() * self.places

    def _times(self, matrix: Tensor, value: Tensor) -> Tensor:
        if self.rank == 1:
            return functional.linear(value, matrix)
        flat = value.flatten(1 - self.rank)
        return (matrix @ flat).reshape(value.shape)
