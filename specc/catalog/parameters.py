"""The parameters of layers, by the names torch gives them, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from specc.catalog.entry import Layer, Shape

Named = Iterator[tuple[str, Shape]]


def parameters(layer: Layer) -> dict[str, Shape]:
    """The name of each parameter, as `named_parameters()` gives it, with its shape."""
    return dict(_walk(layer, ""))


def _walk(layer: Layer, prefix: str) -> Named:
    for start, each in walk(layer, prefix):
        own = OWN.get(each.target)
        for name, shape in own(each) if own else each.own.items():
            yield start + name, shape


def walk(layer: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """A layer and those inside it, each with the beginning of the names of its tensors."""
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
    """A factor and an offset; the size is the last argument, or a shape."""
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
