"""Functions of images, the last two axes of a tensor, and of grids."""

from __future__ import annotations

import torch
from torch import Tensor


def average_pool(image: Tensor, size: int) -> Tensor:
    """The means over blocks of `size` x `size` entries: [..., h / size, w / size]."""
    *outer, height, width = image.shape
    blocks = image.reshape(*outer, height // size, size, width // size, size)
    return blocks.mean((-3, -1))


def blocks(image: Tensor, size: int) -> Tensor:
    """The blocks of `size` x `size` entries: [..., h / size, w / size, size * size]."""
    *outer, height, width = image.shape
    parts = image.reshape(*outer, height // size, size, width // size, size)
    return parts.transpose(-3, -2).flatten(-2)


def unblocks(grid: Tensor, size: int) -> Tensor:
    """The image of blocks [..., h, w, size * size]: [..., h * size, w * size]."""
    *outer, rows, columns, _ = grid.shape
    parts = grid.reshape(*outer, rows, columns, size, size)
    return parts.transpose(-3, -2).reshape(*outer, rows * size, columns * size)


def neighbors(grid: Tensor, *, dims: int) -> Tensor:
    """The sum of the neighbors of each place on a grid, the first two of the last `dims` axes."""
    total = torch.zeros_like(grid)
    for axis in (-dims, 1 - dims):
        size = grid.shape[axis] - 1
        total.narrow(axis, 0, size).add_(grid.narrow(axis, 1, size))
        total.narrow(axis, 1, size).add_(grid.narrow(axis, 0, size))
    return total
