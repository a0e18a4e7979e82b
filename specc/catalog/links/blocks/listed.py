"""The table of the layers of a `layers:` list, with their sizes and lowering.

A row maps the value in the spec, the shape of the event, and whether weights have a bias to the
layer and the shape of its output, or raises `LinkShapeError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from specc.catalog.entry import Layer, Shape
from specc.catalog.link import LinkShapeError
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.links.blocks.dense import linear
from specc.catalog.links.blocks.folding import fold
from specc.catalog.links.blocks.listed_options import Convolution, TransposedConvolution
from specc.catalog.links.blocks.spatial import (
    convolution,
    convolved,
    transposed_convolution,
    words,
)

Row = Callable[[Any, Shape, bool], tuple[Layer, Shape]]


class Kind(Struct, frozen=True):
    """A row of the table: the lowering of a layer, and the rank of its input.

    `rank` is None if the layer accepts any event; `folds` if the torch module has one batch axis.
    """

    row: Row
    rank: int | None
    folds: bool = False


def _linear(size: int, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    return linear(event[0], size, bias), (size,)


def _dropout(share: float, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    return Layer("nn.Dropout", (share,)), event


def _unflatten(sizes: Shape, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    if math.prod(sizes) != event[0]:
        raise LinkShapeError(
            f"unflattens {event[0]} features to {words(sizes)}, which holds {math.prod(sizes)}",
            "make the two sizes equal",
        )
    return Layer("nn.Unflatten", (-1, sizes)), sizes


def _conv2d(given: Convolution, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    k, s, p = given.kernel, given.stride, given.padding
    sides = [convolved(side, k, s, p) for side in event[1:]]
    return convolution((event[0], given.channels), k, s, p, bias), (given.channels, *sides)


def _conv_transpose2d(
    given: TransposedConvolution, event: Shape, bias: bool
) -> tuple[Layer, Shape]:
    k, s, p, rest = given.kernel, given.stride, given.padding, given.output_padding
    if rest >= s:
        raise LinkShapeError(
            f"has an output_padding of {rest}, not less than the stride of {s}",
            "make it less than the stride",
        )
    sides = [(side - 1) * s - 2 * p + k + rest for side in event[1:]]
    if min(sides) < 1:
        raise LinkShapeError(
            f"has a padding of {p}, which leaves nothing of the map", "use less padding"
        )
    layer = transposed_convolution((event[0], given.channels), k, s, p, (rest, rest), bias)
    return layer, (given.channels, *sides)


def _pool(target: str) -> Row:
    def row(side: int, event: Shape, bias: bool) -> tuple[Layer, Shape]:
        sides = [convolved(before, side, side, 0) for before in event[1:]]
        return Layer(target, (side,)), (event[0], *sides)

    return row


def _upsample(factor: int, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    layer = Layer("nn.Upsample", options=MappingProxyType({"scale_factor": factor}))
    return layer, (event[0], event[1] * factor, event[2] * factor)


def _group_norm(groups: int, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    if event[0] % groups:
        raise LinkShapeError(
            f"divides {event[0]} channels into {groups} groups", "use a divisor of the channels"
        )
    return Layer("nn.GroupNorm", (groups, event[0])), event


def _layer_norm(value: None, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    return Layer("nn.LayerNorm", (event if len(event) > 1 else event[0],)), event


def _batch_norm(value: None, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    if len(event) == 3:
        return Layer("nn.BatchNorm2d", (event[0],)), event
    if len(event) == 1:
        return fold((Layer("nn.BatchNorm1d", (event[0],)),), event_rank=1), event
    raise LinkShapeError(
        f"normalizes {words(event)} over the batch, which is no vector and no image",
        "use `layer_norm`, or flatten first",
    )


def _flatten(value: None, event: Shape, bias: bool) -> tuple[Layer, Shape]:
    return Layer("nn.Flatten", (-len(event),)), (math.prod(event),)


def _activation(name: str) -> Row:
    def row(value: None, event: Shape, bias: bool) -> tuple[Layer, Shape]:
        return Layer(ACTIVATIONS[name]), event

    return row


KINDS: dict[str, Kind] = {
    "linear": Kind(_linear, rank=1),
    "dropout": Kind(_dropout, rank=None),
    "unflatten": Kind(_unflatten, rank=1),
    "conv2d": Kind(_conv2d, rank=3, folds=True),
    "conv_transpose2d": Kind(_conv_transpose2d, rank=3, folds=True),
    "max_pool2d": Kind(_pool("nn.MaxPool2d"), rank=3, folds=True),
    "avg_pool2d": Kind(_pool("nn.AvgPool2d"), rank=3, folds=True),
    "upsample": Kind(_upsample, rank=3, folds=True),
    "group_norm": Kind(_group_norm, rank=3, folds=True),
    "layer_norm": Kind(_layer_norm, rank=None),
    "batch_norm": Kind(_batch_norm, rank=None, folds=True),
    "flatten": Kind(_flatten, rank=None),
    **{name: Kind(_activation(name), rank=None) for name in ACTIVATIONS},
}
