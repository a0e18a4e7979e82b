"""The catalog entry of a link: options, traits, and its layers for known sizes.

A link consists of a trunk and a head. `params: encoder(x)` has one trunk and one head for each
parameter; `logits: decoder(z)` has one of each, which is `lower`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr
from pydantic import BaseModel, ConfigDict

from specc.catalog.entry import Lowered, Reference, Shape
from specc.catalog.links.blocks.folding import join


class LinkOptions(BaseModel):
    """The options of a link in a spec; the main one has the name of the kind."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    @property
    def has_bias(self) -> bool:
        """Whether the layers add constants."""
        return False

    @property
    def draws(self) -> bool:
        """Whether the layers draw random numbers, so that two calls with one input may differ."""
        return False

    def applied(self, lowered: Lowered) -> Lowered:
        """The layers of a trunk or a head, changed by the options that apply to every layer."""
        return lowered


INITIALIZATION = "parameters"
"""The digest class of an option of the initial weights, which does not change the mathematics."""


@cache
def initialization(options: type[LinkOptions]) -> frozenset[str]:
    """The options of a link that determine its initial weights."""
    extras = ((key, field.json_schema_extra) for key, field in options.model_fields.items())
    return frozenset(
        k
        for k, extra in extras
        if isinstance(extra, dict) and extra.get("digest") == INITIALIZATION
    )


def late_defaults(options: LinkOptions) -> frozenset[str]:
    """The options of later versions with their defaults, which digests omit for compatibility."""
    extras = (
        (key, f.default, f.json_schema_extra) for key, f in type(options).model_fields.items()
    )
    return frozenset(
        k
        for k, default, extra in extras
        if isinstance(extra, dict)
        and extra.get("digested") == "where set"
        and getattr(options, k) == default
    )


Chosen = TypeVar("Chosen", bound=LinkOptions)
Taken = TypeVar("Taken", bound=LinkOptions, contravariant=True)


class LinkShapeError(Exception):
    """A link does not support the shape of its input or output; the text gives the reason.

    `reason` is a clause that follows the name of the link in a message; `fix` is a hint.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason}; {fix}")
        self.reason = reason
        self.fix = fix


class Trunk(Protocol[Taken]):
    """A trunk: layers from an event of shape `input` to the features that the heads act on.

    `outputs` are the shapes of the outputs of the heads, which determine the sizes of a
    convolutional trunk. Raises `LinkShapeError`.
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


class Average(Struct, frozen=True):
    """The average of the weights of another link: the name of that link, and the decay."""

    of: str
    decay: float


def never(options: LinkOptions) -> bool:
    """The `affine` of a link with functions between its linear maps."""
    del options
    return False


def always(options: LinkOptions) -> bool:
    """The `affine` of a link that consists of linear maps alone."""
    del options
    return True


def takes_vectors(options: LinkOptions) -> int:
    """The `input_rank` of a link whose input is a vector."""
    del options
    return 1


def takes_images(options: LinkOptions) -> int:
    """The `input_rank` of a link whose input is [channels, height, width]."""
    del options
    return 3


class Link(Struct, Generic[Chosen], frozen=True):
    """A kind of neural network.

    `input_rank(options)` is 1 if the link takes a vector (the caller flattens and concatenates the
    arguments), and 3 if it takes an event [channels, height, width]. The first argument of a
    `recurrent` link is a state with the shape of the result. A network that a node may apply to
    itself is a `Causal`, one with an inverse a `Bijection`. `affine(options)` says whether
    f(x) = W x + b; such a link has a transpose, `f.T(y)` = W' y. `average(options)` is what
    a link without layers of its own averages.
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
    affine: Callable[[Chosen], bool] = never
    average: Callable[[Chosen], Average] | None = None

    def __post_init__(self) -> None:
        trunk, head = self.trunk, self.head

        def applied_trunk(options: Chosen, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
            return options.applied(trunk(options, input, outputs))

        def applied_head(options: Chosen, features: Shape, output: Shape) -> Lowered:
            return options.applied(head(options, features, output))

        force_setattr(self, "trunk", applied_trunk)
        force_setattr(self, "head", applied_head)

    def lower(self, options: Chosen, input: Shape, output: Shape) -> Lowered:
        """The layers from an event of shape `input` to one of shape `output`: trunk, then head.

        Raises `LinkShapeError`.
        """
        trunk = self.trunk(options, input, (output,))
        head = self.head(options, trunk.output, output)
        return join(trunk, head)
