"""Permutations of the entries of a vector or the channels of an image; the log-determinant is 0."""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import zero_log_det


class Reverse(Bijection):
    """The first axis of an event of `rank` axes in reverse order."""

    def __init__(self, rank: int = 1) -> None:
        super().__init__()
        self.rank = rank

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the log-determinant 0."""
        return u.flip(-self.rank), zero_log_det(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the log-determinant 0."""
        return self.forward(x)


class Shuffle(Bijection):
    """x_i = u_order(i) along the first axis, of `size` entries, in a random order from `seed`."""

    order: Tensor

    def __init__(self, size: int, seed: int, rank: int = 1) -> None:
        super().__init__()
        self.rank = rank
        order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("order", order)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and the log-determinant 0."""
        return u.index_select(u.ndim - self.rank, self.order), zero_log_det(u, self.rank)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and the log-determinant 0."""
        return x.index_select(x.ndim - self.rank, self.order.argsort()), zero_log_det(x, self.rank)
