"""Networks that compute the parameters of couplings and autoregressive maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "celu": nn.CELU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardtanh": nn.Hardtanh,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
}
"""Activation functions by name."""


class MaskedLinear(nn.Linear):
    """The masked linear map (W * mask) v + b, with a binary mask [outputs, inputs]."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        outputs, inputs = mask.shape
        super().__init__(inputs, outputs)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """The masked linear map of [..., inputs]."""
        return functional.linear(input, self.weight * self.mask, self.bias)


class Network(nn.Module):
    """h_1 = f(W_1 v + V c + b_1), h_i = f(W_i h_(i-1) + b_i), then a linear map initialized with 0.

    v [..., inputs] and the context c [..., context] broadcast; the result is [..., outputs]. With
    `masks`, one [outputs, inputs] for each linear map of v and h, masks their weights.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        hidden: Sequence[int],
        activation: str,
        context: int = 0,
        masks: Sequence[Tensor] = (),
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden, outputs]
        plain = [nn.Linear(before, after) for before, after in pairwise(sizes)]
        first, *rest = [MaskedLinear(mask) for mask in masks] or plain
        self.first = first
        self.context = nn.Linear(context, hidden[0], bias=False) if context else None
        self.rest = nn.ModuleList(rest)
        self.activation = ACTIVATIONS[activation]()
        nn.init.zeros_(rest[-1].weight)
        nn.init.zeros_(rest[-1].bias)

    def forward(self, v: Tensor, context: Tensor | None = None) -> Tensor:
        """The parameters, [..., outputs]."""
        h: Tensor = self.first(v)
        if self.context is not None and context is not None:
            h = h + self.context(context)
        for linear in self.rest:
            h = linear(self.activation(h))
        return h


class ImageNetwork(nn.Module):
    """Convolutions of 3x3, 1x1 and 3x3 on images [..., inputs, H, W]; the last starts at 0.

    A context c [..., context] adds V c to every position of the result of the first convolution.
    Kingma and Dhariwal (2018), Glow, section 5.
    """

    def __init__(
        self, inputs: int, outputs: int, channels: int, activation: str, context: int = 0
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, channels, 3, padding=1)
        self.context = nn.Linear(context, channels, bias=False) if context else None
        last = nn.Conv2d(channels, outputs, 3, padding=1)
        self.rest = nn.ModuleList([nn.Conv2d(channels, channels, 1), last])
        self.activation = ACTIVATIONS[activation]()
        nn.init.zeros_(last.weight)
        if last.bias is not None:
            nn.init.zeros_(last.bias)

    def forward(self, v: Tensor, context: Tensor | None = None) -> Tensor:
        """The parameters, [..., outputs, H, W]."""
        h = _folded(self.first, v)
        if self.context is not None and context is not None:
            h = h + self.context(context)[..., None, None]
        for convolution in self.rest:
            h = _folded(convolution, self.activation(h))
        return h


def _folded(convolution: nn.Module, x: Tensor) -> Tensor:
    """A convolution over any number of leading axes."""
    y: Tensor = convolution(x.reshape(-1, *x.shape[-3:]))
    return y.reshape(*x.shape[:-3], *y.shape[1:])
