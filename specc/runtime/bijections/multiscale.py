"""Images at several scales, with parts factored out early.

Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP, section 3.6.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import zero_log_det


class MultiScale(Bijection):
    """From a draw u [..., C H W], a flat vector, to images x [..., C, H, W] of shape `shape`.

    On the way to the draw each level squeezes an image [c, h, w] to [4 c, h / 2, w / 2], applies
    its bijections, and factors out the last half of the channels; the next level gets the first
    half, and the last level factors out everything. u is the concatenation of the parts, in that
    order.
    """

    def __init__(self, *levels: Bijection, shape: tuple[int, int, int]) -> None:
        super().__init__()
        for number, level in enumerate(levels):
            self.add_module(str(number), level)
        channels, height, width = shape
        self.shapes: list[tuple[int, int, int]] = []
        for _ in levels:
            channels, height, width = 4 * channels, height // 2, width // 2
            self.shapes.append((channels, height, width))
            channels //= 2
        half = [c * h * w // 2 for c, h, w in self.shapes]
        self.parts = [*half[:-1], 2 * half[-1]]

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        *parts, x = u.split_with_sizes(self.parts, -1)
        log_det = zero_log_det(u, 1)
        levels = [*zip(self.children(), self.shapes, [*parts, None], strict=True)]
        for level, (c, h, w), part in reversed(levels):
            if part is None:
                x = x.reshape(*x.shape[:-1], c, h, w)
            else:
                handed = part.reshape(*part.shape[:-1], c // 2, h, w)
                x = torch.cat([x, handed.expand(*x.shape[:-3], -1, -1, -1)], -3)
            x, more = level(x, context)
            x, log_det = functional.pixel_shuffle(x, 2), log_det + more
        return x, log_det

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        log_det, parts = zero_log_det(x, 3), []
        for level in self.children():
            assert isinstance(level, Bijection)
            x, more = level.inverse(functional.pixel_unshuffle(x, 2), context)
            log_det = log_det + more
            x, handed = x.chunk(2, -3)
            parts.append(handed.flatten(-3))
        parts[-1] = torch.cat([x.flatten(-3), parts[-1]], -1)
        return torch.cat(parts, -1), log_det
