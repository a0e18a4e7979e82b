"""Planar flows: a vector moves along v by a nonlinear function of its projection on w.

Rezende and Mohamed (2015), Variational inference with normalizing flows, eq. 10 to 12 and A.1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.conditional_parameter import STILL, ConditionalParameter
from specc.runtime.bijections.root import root


class Planar(Bijection):
    """x = u + v tanh(a), a = w . u + b, for vectors of `size` entries.

    log |det dx/du| = log(1 + (1 - tanh^2 a) w . v). The argument is positive because w . v > -1: v
    is an unconstrained vector f plus the multiple of w for which w . v = softplus(w . f) - 1 (A.1).
    w, f and b are learnt, or affine functions of a context. The inverse solves w . x + b = a + (w .
    v) tanh(a) for a, to machine precision.
    """

    def __init__(self, size: int, context: int = 0) -> None:
        super().__init__()
        self.size = size
        w = functional.normalize(torch.randn(size), dim=0)
        self.parameter = ConditionalParameter(torch.cat([w, STILL * w, torch.zeros(1)]), context)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        w, v, b, s = self._of(context)
        bent = torch.tanh((w * u).sum(-1) + b)
        return u + v * bent[..., None], _slope(bent, s).log()

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        w, v, b, s = self._of(context)
        goal, c = (w * x).sum(-1) + b, s - 1

        def excess(a: Tensor) -> tuple[Tensor, Tensor]:
            bent = torch.tanh(a)
            return a + c * bent - goal, _slope(bent, s)

        a = root(excess, goal - c.abs(), goal + c.abs())
        value, slope = excess(a)
        bent = torch.tanh(a - value / slope)
        return x - v * bent[..., None], -_slope(bent, s).log()

    def _of(self, context: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The parameters w, v, b, and 1 + w . v."""
        w, free, b = self.parameter(context).split_with_sizes([self.size, self.size, 1], -1)
        along = (w * free).sum(-1, keepdim=True)
        s = functional.softplus(along)
        v = free + (s - 1 - along) * w / w.square().sum(-1, keepdim=True)
        return w, v, b[..., 0], s[..., 0]


def _slope(bent: Tensor, s: Tensor) -> Tensor:
    """1 + (1 - bent^2) (s - 1), as a sum of two nonnegative numbers."""
    return bent.square() + (1 - bent.square()) * s
