"""Autoregressive maps: the map of entry i depends on the entries before it.

Germain et al. (2015), MADE, section 3 (the masks); Papamakarios, Pavlakou and Murray (2017), Masked
autoregressive flow, eq. 3 and 4; Kingma et al. (2016), Inverse autoregressive flow, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import expand_to_context
from specc.runtime.bijections.network import Network
from specc.runtime.bijections.scalar import ScalarMap, ScaleAndShift
from specc.runtime.bijections.spline import Spline


def masks(size: int, hidden: Sequence[int], each: int, least: int) -> list[Tensor]:
    """The masks of a network with `each` outputs for entry i that depend on the entries before i.

    Hidden units have degrees d from `least` to size - 1. A unit of degree d is connected to the
    entries up to d and to the outputs of the entries after d (MADE, eq. 12 and 13). Each mask is
    [outputs, inputs].
    """
    inputs = torch.arange(1, size + 1)
    top = max(size - least, 1)
    degrees = [inputs, *(size - 1 - torch.arange(h) * top // h for h in hidden)]
    inner = [b[:, None] >= a for a, b in pairwise(degrees)]
    last = (inputs[:, None] > degrees[-1]).repeat(each, 1)
    return [mask.to(torch.get_default_dtype()) for mask in (*inner, last)]


class Autoregressive(Bijection):
    """x_i = m(u_i; network(x_1, ..., x_(i-1), context)).

    `inverse` is one pass of the network, `forward` one for each entry.
    """

    column: Tensor

    def __init__(
        self, map: ScalarMap, size: int, hidden: Sequence[int], activation: str, context: int
    ) -> None:
        super().__init__()
        self.map, self.size = map, size
        masked = masks(size, hidden, map.size, least=0 if context else 1)
        self.network = Network(size, map.size * size, hidden, activation, context, masked)
        self.register_buffer("column", torch.arange(size), persistent=False)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|, computed entry by entry."""
        u = expand_to_context(u, context, 1)
        x, log_slopes = torch.zeros_like(u), torch.zeros_like(u)
        for i in range(self.size):
            all_x, all_slopes = self.map.forward(u, self._given(x, context))
            x = torch.where(self.column == i, all_x, x)
            log_slopes = torch.where(self.column == i, all_slopes, log_slopes)
        return x, log_slopes.sum(-1)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        x = expand_to_context(x, context, 1)
        u, log_slopes = self.map.inverse(x, self._given(x, context))
        return u, log_slopes.sum(-1)

    def _given(self, x: Tensor, context: Tensor | None) -> Tensor:
        flat = self.network(x, context)
        given: Tensor = flat.unflatten(-1, (self.map.size, self.size)).movedim(-2, 0)
        return given


class AffineAutoregressive(Autoregressive):
    """x_i = exp(a_i) u_i + b_i, with a_i and b_i functions of x_1, ..., x_(i-1)."""

    def __init__(self, size: int, hidden: Sequence[int], activation: str, context: int = 0) -> None:
        super().__init__(ScaleAndShift(), size, hidden, activation, context)


class InverseAutoregressive(AffineAutoregressive):
    """x_i = exp(-a_i) (u_i - b_i), with a_i and b_i functions of u_1, ..., u_(i-1).

    `forward` is one pass of the network, `inverse` one for each entry.
    """

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return super().inverse(u, context)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|, computed entry by entry."""
        return super().forward(x, context)


class SplineAutoregressive(Autoregressive):
    """A spline for each entry, with parameters from the entries before it.

    Durkan et al. (2019), section 3.2.
    """

    def __init__(
        self,
        size: int,
        hidden: Sequence[int],
        activation: str,
        bins: int,
        bound: float,
        context: int = 0,
    ) -> None:
        super().__init__(Spline(bins, bound), size, hidden, activation, context)
