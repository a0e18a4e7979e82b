"""Couplings: one half of a vector is mapped, entry by entry, as the other half says.

Dinh, Krueger and Bengio (2015), NICE, section 3.2; Dinh, Sohl-Dickstein and Bengio (2017), Density
estimation using Real NVP, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import spread
from specc.runtime.bijections.network import Network
from specc.runtime.bijections.scalar import ScalarMap, ScaleAndShift, Shift
from specc.runtime.bijections.spline import Spline

Way = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Coupling(Bijection):
    """x_kept = u_kept, x_i = m(u_i; network(u_kept, context)); the log-slopes add up.

    `size` is that of the vector, at least 2; `keeps` says which half stays as it is, "first" (the
    larger where the size is odd) or "last".
    """

    def __init__(
        self,
        map: ScalarMap,
        size: int,
        keeps: str,
        hidden: Sequence[int],
        activation: str,
        context: int,
    ) -> None:
        super().__init__()
        self.map, self.keeps_first = map, keeps == "first"
        self.halves = [size - size // 2, size // 2]
        kept, moved = self.halves if self.keeps_first else self.halves[::-1]
        self.network = Network(kept, map.size * moved, hidden, activation, context)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x, and log |det dx/du|."""
        return self._through(self.map.forward, u, context)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """u, and log |det du/dx|."""
        return self._through(self.map.inverse, x, context)

    def _through(self, way: Way, value: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        first, last = spread(value, context, 1).split_with_sizes(self.halves, -1)
        kept, moved = (first, last) if self.keeps_first else (last, first)
        given = self.network(kept, context).unflatten(-1, (self.map.size, -1)).movedim(-2, 0)
        moved, log_slopes = way(moved, given)
        halves = (kept, moved) if self.keeps_first else (moved, kept)
        return torch.cat(halves, -1), log_slopes.sum(-1)


class AffineCoupling(Coupling):
    """The other half is scaled and shifted (Real NVP, eq. 4 and 5)."""

    def __init__(
        self, size: int, keeps: str, hidden: Sequence[int], activation: str, context: int = 0
    ) -> None:
        super().__init__(ScaleAndShift(), size, keeps, hidden, activation, context)


class AdditiveCoupling(Coupling):
    """The other half is shifted (NICE, eq. 9): volumes stay."""

    def __init__(
        self, size: int, keeps: str, hidden: Sequence[int], activation: str, context: int = 0
    ) -> None:
        super().__init__(Shift(), size, keeps, hidden, activation, context)


class SplineCoupling(Coupling):
    """The other half goes through splines (Durkan et al. 2019, section 3.2)."""

    def __init__(
        self,
        size: int,
        keeps: str,
        hidden: Sequence[int],
        activation: str,
        bins: int,
        bound: float,
        context: int = 0,
    ) -> None:
        super().__init__(Spline(bins, bound), size, keeps, hidden, activation, context)
