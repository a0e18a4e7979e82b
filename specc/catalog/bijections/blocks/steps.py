"""The steps of a bijection as layers, with the names and shapes of their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from specc.catalog.entry import Layer, Shape

CLASSES = "specc.runtime.bijections"
NONE: Mapping[str, Any] = MappingProxyType({})


def step(
    target: str,
    *arguments: object,
    own: Mapping[str, Shape] = NONE,
    context: int = 0,
    options: Mapping[str, object] = NONE,
) -> Layer:
    """A call of a class of the run time, `module.Class`; a context of 0 numbers is not written."""
    more = {"context": context} if context else {}
    given, named = MappingProxyType({**options, **more}), MappingProxyType(dict(own))
    return Layer(f"{CLASSES}.{target}", arguments, given, own=named)


def chain(steps: tuple[Layer, ...]) -> Layer:
    """The steps one after the other, the one that takes the draw first; one step is itself."""
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


def learnt(size: int, context: int) -> dict[str, Shape]:
    """The parameters of a `Learnt`."""
    own: dict[str, Shape] = {"learnt.bias": (size,)}
    return own | {"learnt.weight": (size, context)} if context else own
