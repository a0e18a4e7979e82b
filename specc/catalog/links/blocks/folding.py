"""Convolutions know one batch axis; folding gives them any number of leading ones."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Layer, Lowered

TARGET = "specc.runtime.links.fold_leading.FoldLeading"


def sequence(layers: tuple[Layer, ...]) -> Layer:
    """One layer for several: itself where it is alone, else `nn.Sequential`."""
    return layers[0] if len(layers) == 1 else Layer("nn.Sequential", children=layers)


def fold(layers: tuple[Layer, ...], event_rank: int) -> Layer:
    """The layers as one that takes any number of axes before an event of rank `event_rank`."""
    options = MappingProxyType({"event_rank": event_rank})
    return Layer(TARGET, options=options, children=(sequence(layers),), names=("module",))


def unfold(layer: Layer) -> tuple[Layer, ...]:
    """The layers that `fold` put together."""
    (inside,) = layer.children
    return inside.children if inside.target == "nn.Sequential" else (inside,)


def join(first: Lowered, second: Lowered) -> Lowered:
    """`first`, then `second`; two folded images in a row become one."""
    layers = first.layers + second.layers
    seam = len(first.layers)
    if first.layers and second.layers and all(map(_folds_images, layers[seam - 1 : seam + 1])):
        inside = unfold(layers[seam - 1]) + unfold(layers[seam])
        layers = (*layers[: seam - 1], fold(inside, 3), *layers[seam + 1 :])
    return Lowered(layers, second.output, first.init)


def _folds_images(layer: Layer) -> bool:
    return layer.target == TARGET and layer.options["event_rank"] == 3
