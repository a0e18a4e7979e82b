"""The conversion of vectors with one entry to numbers."""

from __future__ import annotations

from torch import Tensor, nn


class Squeeze(nn.Module):
    """The map from [..., 1] to [...]."""

    def forward(self, x: Tensor) -> Tensor:
        """The single entry of each event."""
        return x.squeeze(-1)
