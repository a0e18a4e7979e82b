"""WaveNet: dilated causal convolutions, in which a step depends on previous steps.

    (a, b) = K *_d h + U c,    z = tanh(a) sigmoid(b),    h' = h + R z,    y = sum of the S z

(van den Oord et al. 2016, WaveNet: A generative model for raw audio, equation 2 with the context of
section 2.5, and figure 4). The input is shifted by one step, so a step does not depend on itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class CausalConv(nn.Module):
    """The layers: an event [time] or [time, channels] to features [time, maps].

    The entries of one step have the same order number and do not depend on each other. `dilations`
    has one number for each layer; a step depends on (kernel - 1) (1 + sum of dilations) + 1
    previous steps. `context` is the size of a vector that is added before each gate by a linear
    map.
    """

    order: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        maps: int,
        *,
        dilations: tuple[int, ...] = (1, 2, 4, 8),
        kernel: int = 2,
        context: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.series = shape, (*shape, 1)[:2]
        time, channels = self.series
        self.first = PastConv1d(channels, maps, kernel, 1, bias)
        last = len(dilations) - 1
        self.layers = nn.ModuleList(
            DilatedLayer(maps, kernel, d, number == last, bias)
            for number, d in enumerate(dilations)
        )
        self.last = nn.Conv1d(maps, maps, 1, bias=bias)
        wide = len(dilations) * 2 * maps
        self.context = nn.Linear(context, wide, bias=False) if context else None
        order = torch.arange(time).reshape(time, *[1] * len(shape[1:])).repeat(1, *shape[1:])
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The features of an event [..., *shape], with a context [..., context] that broadcasts."""
        leading = x.shape[: x.ndim - len(self.shape)]
        x = x.reshape(*leading, *self.series).mT
        if context is not None:
            leading = torch.broadcast_shapes(leading, context.shape[:-1])  # type: ignore[no-untyped-call]
        rows = x.expand(*leading, *x.shape[-2:]).reshape(math.prod(leading), *x.shape[-2:])
        h: Tensor = self.first(functional.pad(rows, (1, -1)))
        total = h.new_zeros(())
        for layer, shift in zip(self.layers, self._shifts(context, leading), strict=True):
            h, skip = layer(h, shift)
            total = total + skip
        features: Tensor = self.last(total.relu()).relu().mT
        return features.reshape(*leading, *features.shape[1:])

    def _shifts(
        self, context: Tensor | None, leading: tuple[int, ...]
    ) -> tuple[Tensor | None, ...]:
        """The contribution of the context to each layer, [rows, 2 maps, 1]."""
        if self.context is None:
            return (None,) * len(self.layers)
        every: Tensor = self.context(context)
        every = every.expand(*leading, -1).reshape(math.prod(leading), every.shape[-1], 1)
        return every.chunk(len(self.layers), 1)


class DilatedLayer(nn.Module):
    """A gated convolution with a residual connection and a skip connection to the output.

    The last layer has only the skip connection.
    """

    def __init__(self, maps: int, kernel: int, dilation: int, last: bool, bias: bool) -> None:
        super().__init__()
        self.gates = PastConv1d(maps, 2 * maps, kernel, dilation, bias)
        self.skip = nn.Conv1d(maps, maps, 1, bias=bias)
        self.residual = None if last else nn.Conv1d(maps, maps, 1, bias=bias)

    def forward(self, h: Tensor, shift: Tensor | None) -> tuple[Tensor, Tensor]:
        """The input of the next layer, and the contribution to the output."""
        gates: Tensor = self.gates(h)
        a, b = (gates if shift is None else gates + shift).chunk(2, 1)
        z = a.tanh() * b.sigmoid()
        return h if self.residual is None else h + self.residual(z), self.skip(z)


class PastConv1d(nn.Conv1d):
    """A causal convolution over a step and the kernel - 1 steps before it, `dilation` apart."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, bias: bool) -> None:
        super().__init__(inputs, outputs, kernel, dilation=dilation, bias=bias)
        self.margin = (kernel - 1) * dilation

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of x [rows, inputs, time], [rows, outputs, time]."""
        return super().forward(functional.pad(x, (self.margin, 0)))
