"""Couplings: the map of one half of a vector, entry by entry, depends on the other half.

Dinh, Krueger and Bengio (2015), NICE, section 3.2; Dinh, Sohl-Dickstein and Bengio (2017), Density
estimation using Real NVP, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import expand_to_context, total
from specc.runtime.bijections.network import ImageNetwork, Network
from specc.runtime.bijections.scalar import ScalarMap, ScaleAndShift, Shift
from specc.runtime.bijections.spline import Spline

Make = Callable[[int, int], nn.Module]
Way = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Coupling(Bijection):
    """x_fixed = u_fixed, x_i = m(u_i; network(u_fixed, context)); log-det = sum of the log-slopes.

    `size`, at least 2, is that of the first axis of an event of `rank` axes. `keeps` is the half
    that does not change: "first" (the larger one if the size is odd) or "last". `network` makes the
    network from its numbers of inputs and outputs.
    """

    def __init__(
        self,
        map: ScalarMap,
        size: int,
        keeps: str,
        network: Make,
        rank: int = 1,
    ) -> None:
        super().__init__()
        self.map, self.keeps_first, self.rank = map, keeps == "first", rank
        self.halves = [size - size // 2, size // 2]
        fixed, transformed = self.halves if self.keeps_first else self.halves[::-1]
        self.network = network(fixed, map.size * transformed)

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return self._through(self.map.forward, u, context)

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return self._through(self.map.inverse, x, context)

    def _through(self, way: Way, value: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        axis = -self.rank
        first, last = expand_to_context(value, context, self.rank).split_with_sizes(
            self.halves, axis
        )
        fixed, transformed = (first, last) if self.keeps_first else (last, first)
        given = self.network(fixed, context).unflatten(axis, (self.map.size, -1))
        transformed, log_slopes = way(transformed, given.movedim(axis - 1, 0))
        halves = (fixed, transformed) if self.keeps_first else (transformed, fixed)
        return torch.cat(halves, axis), total(log_slopes, self.rank)


def vectors(hidden: Sequence[int], activation: str, context: int) -> Make:
    """The factory of the network of a coupling of vectors."""
    return partial(Network, hidden=hidden, activation=activation, context=context)


class AffineCoupling(Coupling):
    """A coupling that scales and shifts the other half (Real NVP, eq. 4 and 5)."""

    def __init__(
        self, size: int, keeps: str, hidden: Sequence[int], activation: str, context: int = 0
    ) -> None:
        super().__init__(ScaleAndShift(), size, keeps, vectors(hidden, activation, context))


class ImageCoupling(Coupling):
    """A coupling of images: a convolutional network scales and shifts half of the channels."""

    def __init__(
        self, size: int, keeps: str, channels: int, activation: str, context: int = 0
    ) -> None:
        make = partial(ImageNetwork, channels=channels, activation=activation, context=context)
        super().__init__(ScaleAndShift(), size, keeps, make, rank=3)


class AdditiveCoupling(Coupling):
    """A coupling that shifts the other half (NICE, eq. 9); the log-determinant is 0."""

    def __init__(
        self, size: int, keeps: str, hidden: Sequence[int], activation: str, context: int = 0
    ) -> None:
        super().__init__(Shift(), size, keeps, vectors(hidden, activation, context))


class SplineCoupling(Coupling):
    """A coupling that applies splines to the other half (Durkan et al. 2019, section 3.2)."""

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
        super().__init__(Spline(bins, bound), size, keeps, vectors(hidden, activation, context))
