"""Convolutions: their sizes, and the layers after each of them.

With kernel k, stride s and padding p, a convolution maps a side of n to floor((n + 2p - k)/s) + 1,
and a transposed one maps m to (m - 1) s - 2p + k + r, where 0 <= r < s compensates for the rounding
(Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, relations 6 and 14).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from specc.catalog.entry import Layer, Shape
from specc.catalog.limits import MAX_SIZE
from specc.catalog.link import LinkShapeError
from specc.catalog.links.blocks.activation import activation
from specc.catalog.links.blocks.dense import dropout_layer
from specc.catalog.links.blocks.options import Size, Sizes, StackOptions


class SpatialOptions(StackOptions):
    """Options of every link that stacks convolutions."""

    kernel: Size = Field(3, description="The side of each kernel.")
    stride: Size = Field(2, description="The step of each kernel.")
    padding: Annotated[int, Field(ge=0, le=MAX_SIZE)] | None = Field(
        None, description="The zeros added at each border, by default (kernel - 1) // 2."
    )
    hidden: Sizes = Field((), description="The sizes of linear layers next to the vector.")

    @property
    def zeros(self) -> int:
        """The padding, or its default."""
        return (self.kernel - 1) // 2 if self.padding is None else self.padding


def as_image(event: Shape) -> Shape | None:
    """The shape [channels, height, width] of an image event; [height, width] has one channel."""
    return {2: (1, *event), 3: event}.get(len(event))


def words(shape: Shape) -> str:
    """A shape in messages: `[3, 32, 32]`, or `one number`."""
    return f"[{', '.join(map(str, shape))}]" if shape else "one number"


def convolved(side: int, kernel: int, stride: int, padding: int) -> int:
    """The side of a map after a convolution; raises `LinkShapeError` if it is less than 1."""
    if side + 2 * padding < kernel:
        raise LinkShapeError(
            f"has a kernel of {kernel}, larger than the map of {side} (padding {padding}) it gets",
            "use fewer layers, a smaller kernel, or more padding",
        )
    return (side + 2 * padding - kernel) // stride + 1


def transposed(side: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """The side m and the output padding r for which a transposed convolution returns `side`.

    Raises `LinkShapeError` if the kernel alone is larger.
    """
    last, rest = divmod(side + 2 * padding - kernel, stride)
    if last < 0:
        raise LinkShapeError(
            f"cannot make a map of {side} with a kernel of {kernel} and padding {padding}",
            "use fewer layers, a smaller kernel, or more padding",
        )
    return last + 1, rest


def convolution(
    channels: tuple[int, int], kernel: int, stride: int, padding: int, bias: bool
) -> Layer:
    """`nn.Conv2d`, with the options that differ from the defaults of torch."""
    options = given(stride=(stride, 1), padding=(padding, 0), bias=(bias, True))
    return Layer("nn.Conv2d", (*channels, kernel), MappingProxyType(options))


def transposed_convolution(
    channels: tuple[int, int],
    kernel: int,
    stride: int,
    padding: int,
    rests: tuple[int, int],
    bias: bool,
) -> Layer:
    """`nn.ConvTranspose2d`, with the options that differ from the defaults of torch."""
    rest = rests[0] if rests[0] == rests[1] else rests
    options = given(
        stride=(stride, 1), padding=(padding, 0), output_padding=(rest, 0), bias=(bias, True)
    )
    return Layer("nn.ConvTranspose2d", (*channels, kernel), MappingProxyType(options))


def activation_maps(options: StackOptions, channels: int) -> tuple[Layer, ...]:
    """The layers after a convolution: normalization, activation, dropout.

    `layer` normalizes each row over channels and positions, with a factor for each channel
    (group normalization with one group, Wu and He 2018, section 3.1).
    """
    norm = {
        "none": (),
        "batch": (Layer("nn.BatchNorm2d", (channels,)),),
        "layer": (Layer("nn.GroupNorm", (1, channels)),),
    }[options.normalization]
    return (*norm, activation(options.activation), *dropout_layer(options))


def given(**pairs: tuple[object, object]) -> dict[str, object]:
    """The options, each (value, default), that differ from their default."""
    return {name: value for name, (value, default) in pairs.items() if value != default}
