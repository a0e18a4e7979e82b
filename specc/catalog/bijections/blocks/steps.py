"""The steps of a bijection as layers, with the names and shapes of their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from specc.catalog.entry import Layer, Lowered, Shape

CLASSES = "specc.runtime.bijections"
NONE: Mapping[str, Any] = MappingProxyType({})


def step(
    target: str,
    *arguments: object,
    own: Mapping[str, Shape] = NONE,
    context: int = 0,
    options: Mapping[str, object] = NONE,
) -> Layer:
    """A call of the run-time class `module.Class`; a context of size 0 is omitted."""
    more = {"context": context} if context else {}
    given, named = MappingProxyType({**options, **more}), MappingProxyType(dict(own))
    return Layer(f"{CLASSES}.{target}", arguments, given, own=named)


def entrywise(kind: str, shape: Shape, **options: object) -> Lowered:
    """An elementwise map without parameters, for events of any shape."""
    layer = step(f"elementwise.{kind}", options={"rank": len(shape), **options})
    return Lowered((layer,), shape)


def chain(steps: tuple[Layer, ...]) -> Layer:
    """The composition of the steps, from the draw to the value; a single step needs no chain."""
    return steps[0] if len(steps) == 1 else Layer(f"{CLASSES}.chain.Chain", children=steps)


def network(
    inputs: int, outputs: int, hidden: tuple[int, ...], context: int, prefix: str = "network."
) -> dict[str, Shape]:
    """The parameters of a `Network`."""
    sizes = [inputs, *hidden, outputs]
    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    own: dict[str, Shape] = {"first.weight": pairs[0], "first.bias": (hidden[0],)}
    if context:
        own["context.weight"] = (hidden[0], context)
    for number, pair in enumerate(pairs[1:]):
        own |= {f"rest.{number}.weight": pair, f"rest.{number}.bias": pair[:1]}
    return {prefix + name: shape for name, shape in own.items()}


def image_network(
    inputs: int, outputs: int, channels: int, context: int, prefix: str = "network."
) -> dict[str, Shape]:
    """The parameters of an `ImageNetwork`."""
    own: dict[str, Shape] = {"first.weight": (channels, inputs, 3, 3), "first.bias": (channels,)}
    if context:
        own["context.weight"] = (channels, context)
    own |= {"rest.0.weight": (channels, channels, 1, 1), "rest.0.bias": (channels,)}
    own |= {"rest.1.weight": (outputs, channels, 3, 3), "rest.1.bias": (outputs,)}
    return {prefix + name: shape for name, shape in own.items()}


def conditional_parameter(size: int, context: int) -> dict[str, Shape]:
    """The parameters of a `ConditionalParameter`."""
    own: dict[str, Shape] = {"parameter.bias": (size,)}
    return own | {"parameter.weight": (size, context)} if context else own
