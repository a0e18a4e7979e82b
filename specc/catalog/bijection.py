"""The catalog entry of a bijection: options, domain and range, and its layers for known sizes.

A bijection f maps a draw u of a base density one to one to the value x = f(u), so that
log p(x) = log p(u) + log |det du/dx|. Under `specc.runtime.bijections` it is a module with two
methods: `forward(u, context)` returns x and log |det dx/du|, `inverse(x, context)` returns u and
log |det du/dx|.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions
from specc.catalog.supports import REAL, Support, contains

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


class Bijection(Struct, Generic[Chosen], frozen=True):
    """A kind of invertible map.

    It maps `domain` onto `range`, which may depend on the options. `image` is for a bijection that
    also maps parts of its domain: the image of a support, None unless the domain contains it. A
    `conditional` bijection takes a context, and with `moves` the image depends on it. With `ends`
    it maps pieces of a vector one after the other: each argument of the context is an end of a
    piece, `ends` is their number for each piece, and they may depend on earlier pieces;
    `check_ends` checks their shapes. `forward`
    and `inverse` describe, for `explain`, the cost of each direction beyond one pass: "" is one
    pass, "one pass for each entry", "a fixed point", or a function of the options. Both directions
    of a `stochastic` bijection also take `noise`, for an unbiased estimate of the log-determinant;
    without noise it is exact. One that is not `learnt` has no parameters.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[Chosen]
    lower: Lower[Chosen]
    domain: Support | Callable[[Chosen], Support] = REAL
    range: Support | Callable[[Chosen], Support] = REAL
    image: Callable[[Chosen, Support], Support | None] | None = None
    conditional: bool | Callable[[Chosen], bool] = True
    ends: Callable[[Chosen], tuple[int, ...]] | None = None
    check_ends: Callable[[Chosen, Shape, tuple[Shape, ...]], None] | None = None
    moves: bool = False
    forward: str | Callable[[Chosen], str] = ""
    inverse: str | Callable[[Chosen], str] = ""
    stochastic: bool = False
    learnt: bool = True

    def takes_context(self, options: Chosen) -> bool:
        """Whether it takes a context with these options."""
        return self.conditional(options) if callable(self.conditional) else self.conditional

    def ends_of(self, options: Chosen) -> tuple[int, ...]:
        """The number of arguments of the context for each piece; () if they are for the whole."""
        found = () if self.ends is None else self.ends(options)
        return found if any(found) else ()

    def check(self, options: Chosen, shape: Shape, given: tuple[Shape, ...]) -> None:
        """Checks the shapes of the arguments of a context; raises `LinkShapeError`."""
        if self.check_ends is not None:
            self.check_ends(options, shape, given)

    def of(self, options: Chosen) -> Support:
        """The domain with these options."""
        return self.domain(options) if callable(self.domain) else self.domain

    def onto(self, options: Chosen) -> Support:
        """The range with these options."""
        return self.range(options) if callable(self.range) else self.range

    def image_of(self, options: Chosen, support: Support) -> Support | None:
        """The image of a support; None if the bijection does not map it."""
        if self.image is not None:
            return self.image(options, support)
        domain = self.of(options)
        is_domain = contains(domain, support) and contains(support, domain)
        return self.onto(options) if is_domain else None

    def cost(self, options: Chosen, *, is_forward: bool) -> str:
        """The cost of the forward or the inverse map beyond one pass of its network, in words."""
        way = self.forward if is_forward else self.inverse
        return way if isinstance(way, str) else way(options)
