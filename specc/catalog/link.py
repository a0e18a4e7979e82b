"""What a link says of itself: its options, its traits, and its layers once every size is known.

A link is a trunk and a head. `params: encoder(x)` uses one trunk and one head for each parameter;
`logits: decoder(z)` uses the two in a row, which is `lower`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.links.blocks.folding import join


class LinkOptions(BaseModel):
    """The options of one link as a spec gives them; the main one is named like the kind."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


Chosen = TypeVar("Chosen", bound=LinkOptions)
Taken = TypeVar("Taken", bound=LinkOptions, contravariant=True)


class LinkShapeError(Exception):
    """A link cannot take an event, or cannot make one, of the wanted shape; the text says why.

    `reason` is a clause of a message that begins with the link's name; `fix` says what to change.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason}; {fix}")
        self.reason = reason
        self.fix = fix


class Trunk(Protocol[Taken]):
    """A trunk: layers from an event of shape `input` to the features that the heads act on.

    `outputs` are the shapes of what the heads make: a convolutional trunk needs them to choose its
    sizes, a dense one does not look at them. Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
        """Lower the trunk."""
        ...


class Head(Protocol[Taken]):
    """A head: the last layer, from features of shape `features` to an event of shape `output`.

    Raises `LinkShapeError`.
    """

    def __call__(self, options: Taken, features: Shape, output: Shape) -> Lowered:
        """Lower the head."""
        ...


def takes_vectors(options: LinkOptions) -> int:
    """The `input_rank` of a link whose input is a vector."""
    del options
    return 1


def takes_images(options: LinkOptions) -> int:
    """The `input_rank` of a link whose input is [channels, height, width]."""
    del options
    return 3


@dataclass(frozen=True, slots=True)
class Link(Generic[Chosen]):
    """A kind of neural network.

    `input_rank(options)` is 1 where the link takes one vector (the caller flattens and
    concatenates the arguments), 3 where it takes an event [channels, height, width] as it is;
    `recurrent` says that its first argument is a state, of the shape of the result. A network that
    a node may apply to itself is a `Causal`, one with an inverse a `Bijection`.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[Chosen]
    trunk: Trunk[Chosen]
    head: Head[Chosen]
    input_rank: Callable[[Chosen], int] = takes_vectors
    recurrent: bool = False
    affine: bool = False

    def lower(self, options: Chosen, input: Shape, output: Shape) -> Lowered:
        """The layers from an event of shape `input` to one of shape `output`: trunk, then head.

        Raises `LinkShapeError`.
        """
        trunk = self.trunk(options, input, (output,))
        head = self.head(options, trunk.output, output)
        return join(trunk, head)
