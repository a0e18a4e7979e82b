"""A list of standard torch layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated

from pydantic import Field

from specc.catalog.entry import Layer, Lowered, Reference, Shape
from specc.catalog.link import Link, LinkShapeError
from specc.catalog.links.blocks import dense
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.links.blocks.folding import fold
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.listed import KINDS
from specc.catalog.links.blocks.listed_options import Listed, row_of
from specc.catalog.links.blocks.options import AT_LEAST_ONE, NotEmpty, SpectralOptions
from specc.catalog.links.blocks.spatial import words


class Options(SpectralOptions):
    """`layers: [{linear: 500}, tanh, linear]`; a bare `linear` at the end has its size inferred.

    Normalization, dropout and activations may follow it; they belong to each output.
    """

    layers: Annotated[tuple[Listed, ...], Field(strict=False), NotEmpty] = Field(
        description="The layers, in order.", json_schema_extra=AT_LEAST_ONE
    )

    @property
    def draws(self) -> bool:
        """Whether a layer is dropout."""
        return any(row_of(listed)[0] == "dropout" for listed in self.layers)

    @property
    def inferred(self) -> int | None:
        """The position of a bare `linear` with no sizes after it, which is then the head."""
        found = [at for at, listed in enumerate(self.layers) if listed == "linear"]
        if not found or any(
            row_of(each)[0] not in KEEP_SIZE for each in self.layers[found[-1] + 1 :]
        ):
            return None
        return found[-1]


KEEP_SIZE = {"batch_norm", "layer_norm", "dropout", *ACTIVATIONS}
"""The layers whose output has the shape of their input."""


def input_rank(options: Options) -> int:
    """3 if the first layer with a fixed input rank takes an image, else 1."""
    for listed in options.layers:
        rank = KINDS[row_of(listed)[0]].rank
        if rank is not None:
            return rank
    return 1


def trunk(options: Options, input: Shape, outputs: tuple[Shape, ...]) -> Lowered:
    """The listed layers, up to a bare `linear` at the end."""
    del outputs
    steps = list(_steps(options, options.layers[: options.inferred], input))
    output = steps[-1][2] if steps else input
    return Lowered(tuple(_fold(steps)), output, initializer(options.init))


Step = tuple[Layer, bool, Shape]
"""A layer, whether it needs an image with one batch axis, and the shape of its output."""


def _steps(options: Options, listed: Sequence[Listed], event: Shape) -> Iterator[Step]:
    before = event
    for number, entry in enumerate(listed, start=1):
        name, value = row_of(entry)
        kind = KINDS[name]
        place = f"has layer {number}, `{name}`, which"
        if name == "linear" and value is None:
            raise LinkShapeError(f"{place} has no size", "say `linear: 500`, or put it last")
        if kind.rank not in (None, len(before)):
            raise LinkShapeError(
                f"{place} takes {RANKS[kind.rank]} and is given {words(before)}", FIX
            )
        try:
            layer, after = kind.row(value, before, options.bias)
        except LinkShapeError as error:
            raise LinkShapeError(f"{place} {error.reason}", error.fix) from error
        if layer.target != "nn.Flatten" or len(before) > 1:
            yield layer, kind.folds and len(before) == 3, after
        before = after


RANKS = {1: "a vector", 3: "an image [channels, height, width]"}
FIX = "put `flatten` or `unflatten` before it"


def _fold(steps: list[Step]) -> Iterator[Layer]:
    """The layers; consecutive layers on images are folded together if one of them needs it."""
    for images, run in groupby(steps, key=lambda step: len(step[2]) == 3):
        listed = list(run)
        layers = tuple(layer for layer, _, _ in listed)
        needed = images and any(folds for _, folds, _ in listed)
        start = layers[0].target == "nn.Unflatten"
        if needed:
            yield from layers[:start]
            yield fold(layers[start:], event_rank=3)
        else:
            yield from layers


def head(options: Options, features: Shape, output: Shape) -> Lowered:
    """The inferred `linear` and what follows it, on a vector that is then given the output shape.

    Without one no layer, and the features must have the output shape.
    """
    if options.inferred is None:
        if features != output:
            raise LinkShapeError(
                f"ends with {words(features)}, and {words(output)} is wanted",
                "end the list with a bare `linear`, whose size is inferred",
            )
        return Lowered((), output, initializer(options.init))
    if len(features) != 1:
        raise LinkShapeError(
            f"ends with a `linear`, which takes a vector and is given {words(features)}",
            "put `flatten` before it",
        )
    size = math.prod(output)
    (linear,) = dense.head(options, features, (size,)).layers
    after = _steps(options, options.layers[options.inferred + 1 :], (size,))
    layers = (linear, *(layer for layer, _, _ in after), *dense.shaped(output))
    return Lowered(layers, output, initializer(options.init))


ENTRY = Link(
    name="layers",
    summary="A list of standard torch layers.",
    formula="y = f_n(... f_2(f_1(x)))",
    references=(Reference("PyTorch documentation, torch.nn"),),
    example="{layers: [linear: 500, tanh, dropout: 0.1, linear]}",
    Options=Options,
    trunk=trunk,
    head=head,
    input_rank=input_rank,
)
