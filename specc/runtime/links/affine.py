"""The transposes of affine links, f(x) = W x + b.

    transpose(f, y) = W' y,   sum(y * (f(x) - f(0))) = sum(transpose(f, y) * x)

The layers of a link are linear maps, convolutions and changes of shape; the transpose of their
composition has the transposes of the layers in the opposite order. That of a convolution is a
transposed convolution with the same weights, and the other way round (Dumoulin and Visin 2016, A
guide to convolution arithmetic for deep learning, section 4).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.links.embed import Embed
from specc.runtime.links.fold_leading import FoldLeading
from specc.runtime.links.spectral_norm import SpectralNorm
from specc.runtime.links.squeeze import Squeeze

Sizes = tuple[int, ...]


def transpose(link: nn.Module, y: Tensor | float, input: Sizes) -> Tensor:
    """W' y: [..., *input], for y with the shape of the result of the link.

    A number is repeated to that shape. Raises TypeError for a link with a layer that is not affine.
    """
    shapes = _shapes(link, input)
    if not isinstance(y, Tensor):
        y = _weight(link).new_full(shapes[-1], y)
    leading = y.shape[: y.ndim - len(shapes[-1])]
    for layer, shape in zip(reversed(_layers(link)), reversed(shapes[:-1]), strict=True):
        y = _transposed(layer, y, shape)
    return y.reshape((*leading, *input))


def at_constant(link: nn.Module, value: float, input: Sizes) -> Tensor:
    """The result of the link where each entry of its input, of a shape, has one value."""
    result: Tensor = link(_weight(link).new_full(input, value))
    return result


def _weight(link: nn.Module) -> Tensor:
    return next(link.parameters())


def _layers(link: nn.Module) -> list[nn.Module]:
    """The layers of a link, each of which acts on the events of the one before."""
    if isinstance(link, FoldLeading):
        return _layers(link.module)
    if isinstance(link, nn.Sequential):
        return [layer for part in link for layer in _layers(part)]
    return [link]


def _shapes(link: nn.Module, input: Sizes) -> list[Sizes]:
    """The shape of the event before each layer, and after the last one.

    A linear map takes the entries of an event as a vector.
    """
    layers = _layers(link)
    shapes = [(math.prod(input),) if isinstance(layers[0], (nn.Linear, Embed)) else input]
    for layer in layers:
        shapes.append(_output(layer, shapes[-1]))
    return shapes


def _output(layer: nn.Module, shape: Sizes) -> Sizes:
    """The shape of the result of a layer; raises TypeError if the layer is not affine."""
    match layer:
        case nn.Linear():
            return (*shape[:-1], layer.out_features)
        case Embed():
            return (*shape[:-1], layer.weight.shape[1])
        case nn.Conv2d():
            return (layer.out_channels, *(size for size, _ in _convolved(layer, shape)))
        case nn.ConvTranspose2d():
            p = cast("Sizes", layer.padding)
            k, s, r = layer.kernel_size, layer.stride, layer.output_padding
            sides = ((n - 1) * s[i] - 2 * p[i] + k[i] + r[i] for i, n in enumerate(shape[-2:]))
            return (layer.out_channels, *sides)
        case nn.Flatten() | nn.Unflatten() | nn.Identity() | Squeeze():
            return tuple(layer(torch.empty(shape, device="meta")).shape)
    raise TypeError(f"{type(layer).__name__} has no transpose")


def _convolved(layer: nn.Conv2d, shape: Sizes) -> list[tuple[int, int]]:
    """For height and width: the size of the map, and how many entries no kernel reaches."""
    k, s, p = layer.kernel_size, layer.stride, cast("Sizes", layer.padding)
    steps = (divmod(n + 2 * p[i] - k[i], s[i]) for i, n in enumerate(shape[-2:]))
    return [(last + 1, rest) for last, rest in steps]


def _transposed(layer: nn.Module, y: Tensor, shape: Sizes) -> Tensor:
    """The transpose of one layer at y, an event of the shape of its input."""
    match layer:
        case nn.Linear():
            return y @ _weights(layer)
        case Embed():
            return y @ layer.weight.mT
        case nn.Conv2d():
            rest = [rest for _, rest in _convolved(layer, shape)]
            step, cut = layer.stride, cast("Sizes", layer.padding)
            images = y.reshape(-1, *y.shape[-3:])
            found = functional.conv_transpose2d(images, _weights(layer), None, step, cut, rest)
        case nn.ConvTranspose2d():
            step, cut = layer.stride, cast("Sizes", layer.padding)
            images = y.reshape(-1, *y.shape[-3:])
            found = functional.conv2d(images, _weights(layer), None, step, cut)
        case _:
            lost = len(_output(layer, shape))
            return y.reshape((*y.shape[: y.ndim - lost], *shape))
    return found.reshape(*y.shape[:-3], *shape)


def _weights(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    """The weights that a layer applies, also one with spectral normalization."""
    return layer.normalized() if isinstance(layer, SpectralNorm) else layer.weight
