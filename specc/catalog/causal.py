"""What a causal link says of itself: the one kind of link that a node may apply to itself.

`logits: made(x, h)` in the node x: entry i of the result depends on the entries of x before i, in
an order of the link's own, and on all of the context h. So the product of the conditional
densities is a density of x, and a draw is made entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.spatial import words

Chosen = TypeVar("Chosen", bound=LinkOptions)
Taken = TypeVar("Taken", bound=LinkOptions, contravariant=True)


class CausalTrunk(Protocol[Taken]):
    """The one layer from an event of shape `shape` to the features that the heads act on.

    `context` is the size of the vector that conditions it, 0 for none; the module is called with
    the event and, where there is one, the context. Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, shape: Shape, context: int) -> Lowered:
        """Lower the trunk."""
        ...


class CausalHead(Protocol[Taken]):
    """The last layer, from features to `output`, which is `shape` and then any further sizes.

    Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, shape: Shape, features: Shape, output: Shape) -> Lowered:
        """Lower the head."""
        ...


@dataclass(frozen=True, slots=True)
class Causal(Generic[Chosen]):
    """A kind of causal network.

    Its trunk has an attribute `order`, a tensor of whole numbers with the event's shape: entries
    of a lower number come before. `members(options)` is how many orders it has at once; where that
    is more than 1, `order` and everything that the network makes have an axis of that size in
    front, and the density is the mean of the members'. `together(shape)` is how many of the last
    axes of an event have one number in the order, so that their entries come at once.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[Chosen]
    trunk: CausalTrunk[Chosen]
    head: CausalHead[Chosen]
    together: Callable[[Shape], int] = lambda shape: 0

    def members(self, options: Chosen) -> int:
        """How many orders the network has at once."""
        return int(getattr(options, "orders", 1))


def each_of(shape: Shape, output: Shape) -> Shape:
    """The sizes that a result has for each entry of an event: `output` after `shape`.

    Raises `LinkShapeError`.
    """
    if output[: len(shape)] != shape:
        raise LinkShapeError(
            f"has a result for each entry of {words(shape)}, and {words(output)} is wanted",
            "use it for a parameter of each entry, such as logits",
        )
    return output[len(shape) :]
