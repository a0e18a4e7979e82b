"""A vector of one entry as a number."""

from __future__ import annotations

from torch import Tensor, nn


class Squeeze(nn.Module):
    """[..., 1] becomes [...]."""

    def forward(self, x: Tensor) -> Tensor:
        """The only entry of each event."""
        return x.squeeze(-1)
