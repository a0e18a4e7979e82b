"""Stacks of linear layers, and the linear head that ends most links."""

from __future__ import annotations

import math
from types import MappingProxyType

from specc.catalog.entry import Layer, Lowered, Shape
from specc.catalog.links.blocks.activation import activation
from specc.catalog.links.blocks.folding import fold
from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.links.blocks.options import StackOptions, WeightOptions

SQUEEZE = Layer("specc.runtime.links.squeeze.Squeeze")


def linear(inputs: int, outputs: int, bias: bool = True) -> Layer:
    """`nn.Linear(inputs, outputs)`."""
    options = {} if bias else {"bias": False}
    return Layer("nn.Linear", (inputs, outputs), MappingProxyType(options))


def activation_layers(options: StackOptions, size: int) -> tuple[Layer, ...]:
    """The layers after a linear layer of `size` features: normalization, activation, dropout."""
    return (*normalize(options, size), activation(options.activation), *dropout_layer(options))


def normalize(options: StackOptions, size: int) -> tuple[Layer, ...]:
    """The normalization of a vector of `size` features."""
    if options.normalization == "batch":
        return (fold((Layer("nn.BatchNorm1d", (size,)),), event_rank=1),)
    return (Layer("nn.LayerNorm", (size,)),) if options.normalization == "layer" else ()


def dropout_layer(options: StackOptions) -> tuple[Layer, ...]:
    """The dropout layer (Srivastava et al. 2014), if `dropout` is not 0."""
    return (Layer("nn.Dropout", (options.dropout,)),) if options.dropout else ()


def stack(options: StackOptions, inputs: int, sizes: tuple[int, ...]) -> tuple[Layer, ...]:
    """Linear layers of the given sizes, each followed by its activation."""
    layers: list[Layer] = []
    for before, after in zip((inputs, *sizes), sizes, strict=False):
        layers += [linear(before, after, options.bias), *activation_layers(options, after)]
    return tuple(layers)


def shaped(output: Shape) -> tuple[Layer, ...]:
    """The layers that reshape a vector to an event of shape `output`."""
    if len(output) == 1:
        return ()
    return (Layer("nn.Unflatten", (-1, output)),) if output else (SQUEEZE,)


def head(options: WeightOptions, features: Shape, output: Shape) -> Lowered:
    """One linear map of the features onto an event of shape `output`."""
    (size,) = features
    layers = (linear(size, math.prod(output), options.bias), *shaped(output))
    return Lowered(layers, output, initializer(options.init))
