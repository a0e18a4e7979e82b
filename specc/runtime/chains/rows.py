"""Several values of each row as one vector, which a chain moves together."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor


def split_rows(vector: Tensor, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """The values of the rows of `vector` [..., n], one after the other: each [..., *shape].

    The sizes of the shapes have the sum n.
    """
    parts = torch.split(vector, [prod(shape) for shape in shapes], -1)
    outer = vector.shape[:-1]
    return tuple(part.reshape(*outer, *shape) for part, shape in zip(parts, shapes, strict=True))
