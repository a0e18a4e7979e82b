"""The catalog entry of a causal link, the kind of link that a node may apply to itself.

In `logits: made(x, h)` of the node x, entry i of the result depends on the entries of x before i,
in an order that the link defines, and on the complete context h. The product of the conditional
densities is then a density of x, and a draw is computed entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.spatial import words

Chosen = TypeVar("Chosen", bound=LinkOptions)
Taken = TypeVar("Taken", bound=LinkOptions, contravariant=True)


class CausalTrunk(Protocol[Taken]):
    """The one layer from an event of shape `shape` to the features that the heads act on.

    `context` is the size of the vector that conditions it, 0 for none; the arguments of the module
    are the event and the context, if there is one. `classes` is the number of classes if the
    entries of the event are class numbers, 0 if they are numbers of another kind; a network may
    have a vector for each class. Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, shape: Shape, context: int, classes: int = 0) -> Lowered:
        """Lower the trunk."""
        ...


class CausalHead(Protocol[Taken]):
    """The last layer, from features to `output`, which is `shape` followed by further sizes.

    Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, shape: Shape, features: Shape, output: Shape) -> Lowered:
        """Lower the head."""
        ...


class Causal(Struct, Generic[Chosen], frozen=True):
    """A kind of causal network.

    Its trunk has an attribute `order`, a tensor of integers with the shape of the event: entries
    with lower numbers come first. `members(options)` is the number of orders; if it is more than 1,
    `order` and all outputs have a first axis of that size, and the density is the mean over the
    orders. `together(shape)` is the number of last axes of an event that share one order number, so
    that their entries are drawn together. If it `remembers`, the trunk has an attribute `memory`,
    with which a draw computes each step once, and one order.
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
    remembers: bool = False

    def members(self, options: Chosen) -> int:
        """The number of orders of the network."""
        return int(getattr(options, "orders", 1))


def each_of(shape: Shape, output: Shape) -> Shape:
    """The sizes of a result for each entry of an event: those of `output` after `shape`.

    Raises `LinkShapeError`.
    """
    if output[: len(shape)] != shape:
        raise LinkShapeError(
            f"has a result for each entry of {words(shape)}, and {words(output)} is wanted",
            "use it for a parameter of each entry, such as logits",
        )
    return output[len(shape) :]
