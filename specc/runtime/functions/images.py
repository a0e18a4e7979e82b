"""Functions of images, the last two axes of a tensor."""

from __future__ import annotations

from torch import Tensor


def average_pool(image: Tensor, size: int) -> Tensor:
    """The means over blocks of `size` x `size` entries: [..., h / size, w / size]."""
    *outer, height, width = image.shape
    blocks = image.reshape(*outer, height // size, size, width // size, size)
    return blocks.mean((-3, -1))
