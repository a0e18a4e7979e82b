"""Maps of the pieces of a vector onto supports."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection


class Pieces(Bijection):
    """x = (f_1(u_1), ..., f_n(u_n)), where u_i are consecutive pieces of the vector u.

    Piece i of u has the shape `bases[i]` and that of x the shape `shapes[i]`; in the vectors they
    are flattened. The log-determinant is the sum of those of the pieces.
    """

    def __init__(
        self,
        *maps: Bijection,
        bases: tuple[tuple[int, ...], ...],
        shapes: tuple[tuple[int, ...], ...],
    ) -> None:
        super().__init__()
        self.maps = nn.ModuleList(maps)
        self.bases = bases
        self.shapes = shapes

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return self._each(u, self.bases, "forward")

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return self._each(x, self.shapes, "inverse")

    def _each(
        self, vector: Tensor, shapes: tuple[tuple[int, ...], ...], way: str
    ) -> tuple[Tensor, Tensor]:
        """The images of the pieces, as a vector, and the sum of their log-determinants."""
        leading = vector.shape[:-1]
        pieces = torch.split(vector, [math.prod(shape) for shape in shapes], dim=-1)
        images, log_dets = [], []
        for f, piece, shape in zip(self.maps, pieces, shapes, strict=True):
            image, log_det = getattr(f, way)(piece.reshape((*leading, *shape)))
            images.append(image.reshape((*leading, -1)))
            log_dets.append(log_det)
        return torch.cat(images, -1), cast("Tensor", sum(log_dets))
