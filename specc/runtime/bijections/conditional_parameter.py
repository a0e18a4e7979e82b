"""Parameters that are constant, or an affine function of a context."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

STILL = math.log(math.expm1(1.0))
"""softplus(STILL) = 1: the initial value of a positive number."""


class ConditionalParameter(nn.Module):
    """The vector b, or W c + b for a context c [..., context].

    b is initialized with `start` and W with 0.
    """

    def __init__(self, start: Tensor, context: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(start)
        self.weight = nn.Parameter(torch.zeros(len(start), context)) if context else None

    def forward(self, context: Tensor | None = None) -> Tensor:
        """The parameters, [..., len(b)] with the leading axes of the context, or [len(b)]."""
        if self.weight is None or context is None:
            return self.bias
        return functional.linear(context, self.weight, self.bias)
