"""Folding of leading axes for torch modules with one batch axis, such as convolutions."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Layer, Lowered

TARGET = "specc.runtime.links.fold_leading.FoldLeading"


def sequence(layers: tuple[Layer, ...]) -> Layer:
    """The layers as one layer: `nn.Sequential` if there are several."""
    return layers[0] if len(layers) == 1 else Layer("nn.Sequential", children=layers)


def fold(layers: tuple[Layer, ...], event_rank: int) -> Layer:
    """The layers as one that accepts any number of leading axes before an event of `event_rank`."""
    options = MappingProxyType({"event_rank": event_rank})
    return Layer(TARGET, options=options, children=(sequence(layers),), names=("module",))


def unfold(layer: Layer) -> tuple[Layer, ...]:
    """The layers inside a folded layer."""
    (inside,) = layer.children
    return inside.children if inside.target == "nn.Sequential" else (inside,)


def join(first: Lowered, second: Lowered) -> Lowered:
    """`first`, then `second`; two consecutive folded layers are merged."""
    layers = first.layers + second.layers
    seam = len(first.layers)
    if first.layers and second.layers and all(map(_folds_images, layers[seam - 1 : seam + 1])):
        inside = unfold(layers[seam - 1]) + unfold(layers[seam])
        layers = (*layers[: seam - 1], fold(inside, 3), *layers[seam + 1 :])
    return Lowered(layers, second.output, first.init)


def _folds_images(layer: Layer) -> bool:
    return layer.target == TARGET and layer.options["event_rank"] == 3
