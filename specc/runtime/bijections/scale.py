"""A scale for each entry (Dinh, Krueger and Bengio 2015, NICE, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import zero_log_det


class Scale(Bijection):
    """x_i = exp(s_i) u_i for vectors of `size` entries; log |det dx/du| = sum of s_i."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(size))

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return u * self.log_scale.exp(), zero_log_det(u, 1) + self.log_scale.sum()

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return x * (-self.log_scale).exp(), zero_log_det(x, 1) - self.log_scale.sum()
