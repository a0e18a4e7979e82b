"""The names and shapes of the parameters of layers in torch, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from specc.catalog.entry import Layer, Shape

Named = Iterator[tuple[str, Shape]]


def parameters(layer: Layer) -> dict[str, Shape]:
    """The shapes of the parameters by name, as in `named_parameters()`."""
    return dict(_walk(layer, ""))


def _walk(layer: Layer, prefix: str) -> Named:
    for start, each in walk(layer, prefix):
        own = OWN.get(each.target)
        for name, shape in own(each) if own else each.own.items():
            yield start + name, shape


def walk(layer: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """A layer and all layers inside it, each with the prefix of the names of its parameters."""
    yield prefix, layer
    for number, child in enumerate(layer.children):
        yield from walk(child, f"{prefix}{layer.names[number] if layer.names else number}.")


def _sizes(layer: Layer) -> tuple[int, ...]:
    return cast("tuple[int, ...]", layer.arguments)


def _bias(layer: Layer, size: int) -> Named:
    if layer.options.get("bias", True):
        yield "bias", (size,)


def _linear(layer: Layer) -> Named:
    inputs, outputs = _sizes(layer)
    yield "weight", (outputs, inputs)
    yield from _bias(layer, outputs)


def _conv(layer: Layer) -> Named:
    inputs, outputs, kernel = _sizes(layer)
    yield "weight", (outputs, inputs, kernel, kernel)
    yield from _bias(layer, outputs)


def _conv_transpose(layer: Layer) -> Named:
    inputs, outputs, kernel = _sizes(layer)
    yield "weight", (inputs, outputs, kernel, kernel)
    yield from _bias(layer, outputs)


def _norm(layer: Layer) -> Named:
    """The weight and the bias of a normalization; their shape is the last argument."""
    size = layer.arguments[-1]
    shape = cast("Shape", size if isinstance(size, tuple) else (size,))
    yield "weight", shape
    yield "bias", shape


OWN: dict[str, Callable[[Layer], Named]] = {
    "nn.Linear": _linear,
    "nn.Conv2d": _conv,
    "nn.ConvTranspose2d": _conv_transpose,
    "nn.BatchNorm1d": _norm,
    "nn.BatchNorm2d": _norm,
    "nn.GroupNorm": _norm,
    "nn.LayerNorm": _norm,
}
