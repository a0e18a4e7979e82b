"""Maps of the pieces of a vector onto supports."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection

Shapes = tuple[tuple[int, ...], ...]


class Pieces(Bijection):
    """x = (f_1(u_1), ..., f_n(u_n)), where u_i are consecutive pieces of the vector u.

    Piece i of u has the shape `bases[i]` and that of x the shape `shapes[i]`; in the vectors they
    are flattened. The log-determinant is the sum of those of the pieces.

    `ends[i]` is the number of ends of piece i that are values. A context has an end for each entry
    of such a piece; `in_order` maps piece by piece, for ends that depend on earlier pieces.
    """

    def __init__(
        self,
        *maps: Bijection,
        bases: Shapes,
        shapes: Shapes,
        ends: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.maps = nn.ModuleList(maps)
        self.bases = bases
        self.shapes = shapes
        self.ends = ends or (0,) * len(maps)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return self._each(self.in_order(u), context)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return self._each(self.in_order(x, inverse=True), context)

    def in_order(self, vector: Tensor, *, inverse: bool = False) -> InOrder:
        """The pieces of u, or of x if `inverse`, to be mapped one after the other."""
        return InOrder(self, vector, inverse)

    def _each(self, pieces: InOrder, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """The images of the pieces, as a vector, and the sum of their log-determinants."""
        sizes = [n * math.prod(shape) for n, shape in zip(self.ends, self.shapes, strict=True)]
        given = [None] * len(sizes) if context is None else torch.split(context, sizes, -1)
        for n, ends in zip(self.ends, given, strict=True):
            pieces.next(ends if n else None)
        return pieces.mapped()


class InOrder:
    """The pieces of a vector that are mapped one after the other.

    The Jacobian of ends that depend on earlier pieces is triangular, so the log-determinant is the
    sum of those at fixed ends.
    """

    def __init__(self, pieces: Pieces, vector: Tensor, inverse: bool) -> None:
        shapes, images = pieces.bases, pieces.shapes
        shapes, images = (images, shapes) if inverse else (shapes, images)
        parts = torch.split(vector, [math.prod(shape) for shape in shapes], dim=-1)
        self._left = iter(zip(pieces.maps, parts, shapes, images, strict=True))
        self._is_inverse = inverse
        self._images: list[Tensor] = []
        self._log_dets: list[Tensor] = []

    def next(self, ends: Tensor | None = None) -> Tensor:
        """The value x_i of the next piece, between ends if its map has any."""
        each, part, shape, made = next(self._left)
        f = cast("Bijection", each)
        given = part.reshape((*part.shape[:-1], *shape))
        way = f.inverse if self._is_inverse else f.forward
        image, log_det = way(given, ends)
        self._images.append(image.flatten(-len(made)) if made else image.unsqueeze(-1))
        self._log_dets.append(log_det)
        return given if self._is_inverse else image

    def mapped(self) -> tuple[Tensor, Tensor]:
        """The images of all pieces, as a vector, and the log-determinant."""
        leading = (image.shape[:-1] for image in self._images)
        wide = torch.broadcast_shapes(*leading)  # type: ignore[no-untyped-call]
        images = [image.expand((*wide, image.shape[-1])) for image in self._images]
        return torch.cat(images, -1), cast("Tensor", sum(self._log_dets))
