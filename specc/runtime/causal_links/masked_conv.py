"""Gated PixelCNN: a convolutional network in which a pixel depends on previous pixels.

    (a_v, b_v) = K_v * v + U_v c,                    v' = tanh(a_v) sigmoid(b_v)
    (a_h, b_h) = K_h * h + N (a_v, b_v) + U_h c,     h' = h + R (tanh(a_h) sigmoid(b_h))

The vertical stack v depends on all rows above, the horizontal stack h on the pixels to the left in
the row, so there is no blind spot (van den Oord et al. 2016, Conditional image generation with
PixelCNN decoders, equations 2 and 4, figures 1 and 2). Pixels are ordered row by row, and the
channels of a pixel by their index; maps are divided among the channels, and the maps of a channel
depend on those of the channels before it (van den Oord, Kalchbrenner and Kavukcuoglu 2016, Pixel
recurrent neural networks, section 3.4).
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

Groups = tuple[int, ...]


class MaskedConv(nn.Module):
    """The gated layers: an event [channels, height, width] to features [maps, height, width].

    `shape` without channels, [height, width], counts as one channel. `depth` is the number of gated
    layers, `kernel` is odd. `context` is the size of a vector that is added before each gate by a
    linear map; if `spatial`, each pixel has a separate vector (section 2.3).
    """

    order: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        maps: int,
        *,
        depth: int = 5,
        kernel: int = 5,
        context: int = 0,
        spatial: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.image = shape, (1, *shape)[-3:]
        groups = channel_groups(maps, self.image[0])
        one_each = channel_groups(self.image[0], self.image[0])
        first = GatedLayer(one_each, groups, kernel, first=True, bias=bias)
        later = [GatedLayer(groups, groups, kernel, bias=bias) for _ in range(depth - 1)]
        self.layers = nn.ModuleList([first, *later])
        self.last = LeftConv2d(groups, groups, 1, strict=False, bias=bias)
        kind = partial(nn.Conv2d, kernel_size=1) if spatial else nn.Linear
        self.context = kind(context, depth * 4 * maps, bias=False) if context else None
        self.register_buffer("order", raster(self.image).reshape(shape), persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The features of an event [..., *shape], with a context that broadcasts.

        The context is [..., context], or if `spatial` [..., context height width].
        """
        leading = x.shape[: x.ndim - len(self.shape)]
        x = x.reshape(*leading, *self.image)
        if context is not None:
            leading = torch.broadcast_shapes(leading, context.shape[:-1])  # type: ignore[no-untyped-call]
        rows = math.prod(leading)
        h = x.expand(*leading, *self.image).reshape(rows, *self.image)
        v = functional.pad(h, (0, 0, 1, -1))  # the rows above: each moves down by one
        for layer, shift in zip(self.layers, self._shifts(context, leading), strict=True):
            v, h = layer(v, h, shift)
        features: Tensor = self.last(h.relu()).relu()
        return features.reshape(*leading, *features.shape[1:])

    def _shifts(
        self, context: Tensor | None, leading: tuple[int, ...]
    ) -> tuple[Tensor | None, ...]:
        """The contribution of the context to each layer, per pixel if `spatial`."""
        if self.context is None or context is None:
            return (None,) * len(self.layers)
        every: Tensor
        if isinstance(self.context, nn.Conv2d):
            each = (self.context.in_channels, *self.image[1:])
            every = self.context(context.expand(*leading, -1).reshape(math.prod(leading), *each))
        else:
            every = self.context(context)
            every = every.expand(*leading, -1).reshape(math.prod(leading), every.shape[-1], 1, 1)
        return every.chunk(len(self.layers), 1)


class GatedLayer(nn.Module):
    """One layer of both stacks; `before` and `groups` are the groups of its inputs and its maps.

    The first layer takes the image: it excludes the current entry, and has no residual connection.
    """

    def __init__(
        self, before: Groups, groups: Groups, kernel: int, *, first: bool = False, bias: bool
    ) -> None:
        super().__init__()
        maps, reach = len(groups), kernel // 2
        self.first = first
        self.margin = (reach, reach, reach, 0)
        self.vertical = nn.Conv2d(len(before), 2 * maps, (reach + 1, kernel), bias=bias)
        self.horizontal = LeftConv2d(before, groups * 2, reach + 1, strict=first, bias=bias)
        self.across = nn.Conv2d(2 * maps, 2 * maps, 1, bias=False)
        self.residual = LeftConv2d(groups, groups, 1, strict=False, bias=bias)

    def forward(self, v: Tensor, h: Tensor, shift: Tensor | None) -> tuple[Tensor, Tensor]:
        """The two stacks after this layer."""
        above: Tensor = self.vertical(functional.pad(v, self.margin))
        left: Tensor = self.horizontal(h)
        if shift is not None:
            of_above, of_left = shift.chunk(2, 1)
            above, left = above + of_above, left + of_left
        change: Tensor = self.residual(gated(left + self.across(above)))
        return gated(above), change if self.first else h + change


class LeftConv2d(nn.Conv2d):
    """A convolution along the row, over a pixel and the `taps` - 1 pixels to the left of it.

    Within its pixel an output depends on the inputs of groups up to its group; if `strict`, on
    lower groups only.
    """

    mask: Tensor | None

    def __init__(
        self, before: Groups, after: Groups, taps: int, *, strict: bool, bias: bool
    ) -> None:
        super().__init__(len(before), len(after), (1, taps), bias=bias)
        own = torch.tensor([[b < a or (b == a and not strict) for b in before] for a in after])
        mask = torch.ones_like(self.weight)
        mask[..., -1] = own[..., None]
        needed = strict or max(before) > min(after)
        self.register_buffer("mask", mask if needed else None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of x [rows, inputs, height, width], [rows, outputs, height, width]."""
        weight = self.weight if self.mask is None else self.weight * self.mask
        return functional.conv2d(functional.pad(x, (self.kernel_size[1] - 1, 0)), weight, self.bias)


class MaskedConvHead(LeftConv2d):
    """The last layer: `each` numbers for every entry, from the maps of its and earlier channels."""

    def __init__(
        self, shape: tuple[int, ...], maps: int, *, each: tuple[int, ...] = (), bias: bool = True
    ) -> None:
        numbers, channels = math.prod(each), (1, *shape)[-3]
        after = channel_groups(channels * numbers, channels)
        super().__init__(channel_groups(maps, channels), after, 1, strict=False, bias=bias)
        self.numbers, self.channels = numbers, channels
        self.output = (*shape, *each)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs [..., *shape, *each] of maps x [..., maps, height, width]."""
        leading, event = x.shape[:-3], x.shape[-3:]
        y: Tensor = super().forward(x.reshape(math.prod(leading), *event))
        y = y.reshape(len(y), self.channels, self.numbers, *event[1:]).movedim(2, -1)
        return y.reshape(*leading, *self.output)


def channel_groups(maps: int, channels: int) -> Groups:
    """The channel of each map, in groups of equal size."""
    return tuple(number * channels // maps for number in range(maps))


def raster(image: tuple[int, ...]) -> Tensor:
    """The order numbers [channels, height, width]: by row, then pixel, then channel."""
    channels, height, width = image
    return torch.arange(math.prod(image)).reshape(height, width, channels).movedim(-1, 0)


def gated(x: Tensor) -> Tensor:
    """tanh(a) sigmoid(b), a and b the two halves of the maps."""
    a, b = x.chunk(2, 1)
    return a.tanh() * b.sigmoid()
