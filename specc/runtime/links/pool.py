"""Pooling over the elements of a set."""

from __future__ import annotations

from torch import Tensor, nn


class Pool(nn.Module):
    """The sum or the mean of the elements of x [..., elements, size]: [..., size]."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        """The pooled vectors."""
        return x.sum(-2) if self.how == "sum" else x.mean(-2)

    def extra_repr(self) -> str:
        """The kind of pooling."""
        return repr(self.how)
