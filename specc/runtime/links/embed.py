"""A learnt vector for each class."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Embed(nn.Module):
    """y = W^T x for a one-hot x [..., classes]: row k of the table W [classes, size] for class k.

    For probabilities x it is the mean of the rows. The initial W is standard normal, as in
    `nn.Embedding`.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, size))

    def forward(self, x: Tensor) -> Tensor:
        """The vectors [..., size]."""
        return x @ self.weight
