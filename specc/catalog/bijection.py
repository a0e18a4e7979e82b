"""What a bijection says of itself: its options, its sets, and its layers once sizes are known.

A bijection f takes a draw u of a base density to the value x = f(u), one to one, so that
log p(x) = log p(u) + log |det du/dx|. Under `specc.runtime.bijections` it is a module with two
ways: `forward(u, context)` gives x and log |det dx/du|, `inverse(x, context)` gives u and
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

    `context` is the size of the vector that conditions it, 0 for none. The result's `output` is
    the shape of the base draw: as many numbers, in another order where parts are handed out early.
    Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, shape: Shape, context: int) -> Lowered:
        """Lower the bijection."""
        ...


@dataclass(frozen=True, slots=True)
class Bijection(Generic[Chosen]):
    """A kind of invertible map.

    It maps `domain` onto `range`. `conditional` says that it takes a context. `forward` and
    `inverse` say, in words for `explain`, what each way costs beyond one pass: "" is one pass,
    "one pass for each entry", "a fixed point"; or a function says it of the options. `stochastic`
    says that both ways take `noise` as well, for an unbiased estimate of the log-determinant;
    without noise it is exact.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[Chosen]
    lower: Lower[Chosen]
    domain: Support = REAL
    range: Support = REAL
    conditional: bool = True
    forward: str | Callable[[Chosen], str] = ""
    inverse: str | Callable[[Chosen], str] = ""
    stochastic: bool = False

    def cost(self, options: Chosen, *, pushed: bool) -> str:
        """What a way costs beyond one pass: from the draw where `pushed`, else back to it."""
        way = self.forward if pushed else self.inverse
        return way if isinstance(way, str) else way(options)
