"""Spectral normalization: each weight is divided by its largest singular value."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from specc.catalog.entry import Layer, Lowered
from specc.catalog.link import LinkShapeError
from specc.catalog.parameters import parameters

MODULE = "specc.runtime.links.spectral_norm"
NORMALIZED = MappingProxyType(
    {
        "nn.Linear": f"{MODULE}.SpectralLinear",
        "nn.Conv2d": f"{MODULE}.SpectralConv2d",
        "nn.ConvTranspose2d": f"{MODULE}.SpectralConvTranspose2d",
    }
)
"""Layers of torch with the classes that divide their weights; names of tensors are the same."""


def spectrally_normalized(lowered: Lowered) -> Lowered:
    """The same layers with divided weights; raises `LinkShapeError` if weights start at zero."""
    if lowered.init is not None and lowered.init.target.endswith(".zeros"):
        raise LinkShapeError(
            "divides weights of zero by their largest singular value, which is zero",
            "use another `init`, or delete `spectral_norm`",
        )
    return replace(lowered, layers=tuple(map(_normalized, lowered.layers)))


def _normalized(layer: Layer) -> Layer:
    children = tuple(map(_normalized, layer.children))
    if layer.target not in NORMALIZED:
        return replace(layer, children=children)
    own = MappingProxyType(parameters(layer))
    target = NORMALIZED[layer.target]
    return replace(layer, target=target, own=own, after_update="power_iteration")
