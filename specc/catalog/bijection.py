"""The catalog entry of a bijection: options, domain and range, and its layers for known sizes.

A bijection f maps a draw u of a base density one to one to the value x = f(u), so that
log p(x) = log p(u) + log |det du/dx|. Under `specc.runtime.bijections` it is a module with two
methods: `forward(u, context)` returns x and log |det dx/du|, `inverse(x, context)` returns u and
log |det du/dx|.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.supports import REAL, Support

Chosen = TypeVar("Chosen", bound=LinkOptions)
Taken = TypeVar("Taken", bound=LinkOptions, contravariant=True)


class Lower(Protocol[Taken]):
    """The one layer of a bijection onto values of shape `shape`.

    `context` is the size of the vector that conditions it, 0 for none. The `output` of the result
    is the shape of the base draw, with as many numbers as the value. Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, shape: Shape, context: int) -> Lowered:
        """Lower the bijection."""
        ...


@dataclass(frozen=True, slots=True)
class Bijection(Generic[Chosen]):
    """A kind of invertible map.

    It maps `domain` onto `range`, which may depend on the options. A `conditional` bijection takes
    a context. `forward` and `inverse` describe, for `explain`, the cost of each direction beyond
    one pass: "" is one pass, "one pass for each entry", "a fixed point", or a function of the
    options. Both directions of a `stochastic` bijection also take `noise`, for an unbiased estimate
    of the log-determinant; without noise it is exact.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[Chosen]
    lower: Lower[Chosen]
    domain: Support = REAL
    range: Support | Callable[[Chosen], Support] = REAL
    conditional: bool = True
    forward: str | Callable[[Chosen], str] = ""
    inverse: str | Callable[[Chosen], str] = ""
    stochastic: bool = False

    def onto(self, options: Chosen) -> Support:
        """The range with these options."""
        return self.range(options) if callable(self.range) else self.range

    def cost(self, options: Chosen, *, is_forward: bool) -> str:
        """The cost of the forward or the inverse map beyond one pass of its network, in words."""
        way = self.forward if is_forward else self.inverse
        return way if isinstance(way, str) else way(options)
