"""The options of each layer of a `layers:` list: a name alone, or a name with a value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from specc.catalog.limits import MAX_SIZE
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.links.blocks.options import Probability, Size, SomeSizes

Zeros = Annotated[int, Field(ge=0, le=MAX_SIZE)]


class Linear(LinkOptions):
    """`linear: 500`, a linear map to 500 features; a bare `linear` at the end infers its size."""

    linear: Size = Field(description="The number of features after it.")


class Dropout(LinkOptions):
    """`dropout: 0.1`, a tenth of the features set to zero in training."""

    dropout: Probability = Field(description="The fraction of features set to zero in training.")


class Unflatten(LinkOptions):
    """`unflatten: [64, 7, 7]`, a vector as an image of 64 channels."""

    unflatten: SomeSizes = Field(description="Channels, height and width.")


class Convolution(LinkOptions):
    """The numbers of a convolution."""

    channels: Size = Field(description="The channels after it.")
    kernel: Size = Field(3, description="The side of the kernel.")
    stride: Size = Field(1, description="The step between two positions of the kernel.")
    padding: Zeros = Field(0, description="The zeros added at each border.")


class TransposedConvolution(Convolution):
    """The numbers of a transposed convolution."""

    output_padding: Zeros = Field(
        0, description="The rows and columns added at one side of the result."
    )


class Conv2d(LinkOptions):
    """`conv2d: {channels: 32, kernel: 3, stride: 2, padding: 1}`."""

    conv2d: Convolution = Field(description="The numbers of the convolution.")


class ConvTranspose2d(LinkOptions):
    """`conv_transpose2d: {channels: 32, kernel: 4, stride: 2, padding: 1}`."""

    conv_transpose2d: TransposedConvolution = Field(
        description="The numbers of the transposed convolution."
    )


class MaxPool2d(LinkOptions):
    """`max_pool2d: 2`, the largest of each 2 x 2 block."""

    max_pool2d: Size = Field(description="The side of a block.")


class AvgPool2d(LinkOptions):
    """`avg_pool2d: 2`, the mean of each 2 x 2 block."""

    avg_pool2d: Size = Field(description="The side of a block.")


class Upsample(LinkOptions):
    """`upsample: 2`, each position repeated in a 2 x 2 block."""

    upsample: Size = Field(description="How often each row and column is repeated.")


class GroupNorm(LinkOptions):
    """`group_norm: 8`, normalization over each of 8 groups of channels."""

    group_norm: Size = Field(description="The number of groups.")


Bare = Literal["batch_norm", "flatten", "layer_norm", "linear"]


def _tag(value: object) -> str | None:
    """The discriminator of a row: the name of its only key."""
    if isinstance(value, dict):
        return str(next(iter(value), ""))
    if isinstance(value, LinkOptions):
        return next(iter(type(value).model_fields))
    return "bare"


Listed = Annotated[
    Annotated[Literal[Bare, Activation], Tag("bare")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[Dropout, Tag("dropout")]
    | Annotated[Unflatten, Tag("unflatten")]
    | Annotated[Conv2d, Tag("conv2d")]
    | Annotated[ConvTranspose2d, Tag("conv_transpose2d")]
    | Annotated[MaxPool2d, Tag("max_pool2d")]
    | Annotated[AvgPool2d, Tag("avg_pool2d")]
    | Annotated[Upsample, Tag("upsample")]
    | Annotated[GroupNorm, Tag("group_norm")],
    Discriminator(_tag),
]


def row_of(listed: str | LinkOptions) -> tuple[str, object]:
    """The name of a listed layer and its value; None for a name alone."""
    if isinstance(listed, str):
        return listed, None
    name = next(iter(type(listed).model_fields))
    return name, getattr(listed, name)
