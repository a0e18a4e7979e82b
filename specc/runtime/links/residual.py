"""A residual block (He et al. 2016, Deep residual learning for image recognition, eq. 1 and 2)."""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Module):
    """x + block(x), or shortcut(x) + block(x) if the block changes the size."""

    def __init__(self, block: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.block = block
        self.shortcut = shortcut if shortcut is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the shortcut and the block."""
        y: Tensor = self.shortcut(x) + self.block(x)
        return y
