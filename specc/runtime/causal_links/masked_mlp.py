"""MADE: a network of linear layers in which entry i of the result depends on the entries before i.

    h_1 = f((W_1 * M_1) x + b_1 + U_1 c),  h_l = f((W_l * M_l) h_{l-1} + b_l + U_l c)
    y = (V * M_V) h_L + (A * M_A) x + b + B c

with masks M of zeros and ones (Germain et al. 2015, MADE: Masked autoencoder for distribution
estimation, equations 8 to 15). Without hidden layers it is the fully visible sigmoid belief net
(Frey, Hinton and Dayan 1996, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.causal_links.degrees import entry_orders, hidden_degrees
from specc.runtime.causal_links.masked_linear import MaskedLinear, joined

BEFORE_ALL = -1


class MaskedMLP(nn.Module):
    """The hidden layers: from an event of `shape` to the features that a `MaskedHead` acts on.

    `hidden` are the sizes of the layers, `context` that of the vector which everything may depend
    on. With `orders` > 1 the layers are used in so many orders at once, the first one natural and
    the others random permutations decided by `seed`; the weights are shared, and results have an
    axis of that size in front. The features are the last hidden layer; then, where `direct` or
    where nothing is hidden, the entries themselves; then the context.
    """

    order: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...] = (),
        activation: str = "relu",
        *,
        context: int = 0,
        orders: int = 1,
        seed: int = 0,
        direct: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.hidden, self.direct = shape, hidden, direct or not hidden
        self.orders = orders
        self.activation = function(activation)
        size = math.prod(shape)
        order = entry_orders(size, orders, seed)
        lowest = BEFORE_ALL if context else 0
        degrees = [order, *(hidden_degrees(units, size, lowest) for units in hidden)]
        self.layers = nn.ModuleList(
            MaskedLinear(*both, strict=False, bias=bias) for both in pairwise(degrees)
        )
        seen = context > 0 and len(hidden) > 0
        self.context = nn.Linear(context, sum(hidden), bias=False) if seen else None
        order = order.reshape((*order.shape[:-1], *shape))
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """[..., *shape], with a context [..., context] that broadcasts, to [..., features]."""
        x = self._entries(x, 0 if context is None else context.ndim - 1)
        h = x
        for layer, shift in zip(self.layers, self._shifts(context), strict=True):
            h = self.activation(layer(h) if shift is None else layer(h) + shift)
        parts = [h] if self.hidden else []
        parts += [x] if self.direct else []
        parts += [] if context is None else [context]
        return joined(*parts)

    def _entries(self, x: Tensor, least: int) -> Tensor:
        """The event as a vector, with at least so many axes before it, and the orders' in front."""
        leading = x.shape[: x.ndim - len(self.shape)]
        ones = (1,) * (least - len(leading))
        x = x.reshape(*ones, *leading, math.prod(self.shape))
        return x.expand(self.orders, *x.shape) if self.orders > 1 else x

    def _shifts(self, context: Tensor | None) -> tuple[Tensor | None, ...]:
        """What the context adds to each layer."""
        if self.context is None:
            return (None,) * len(self.hidden)
        return cast("tuple[Tensor, ...]", self.context(context).split(self.hidden, -1))


class MaskedHead(MaskedLinear):
    """The last layer: `each` numbers for every entry, from features of strictly lower degree.

    The features are `hidden` units, then the entries where `direct`, then the context;
    `MaskedMLP` says what the other arguments are.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: int,
        *,
        each: tuple[int, ...] = (),
        context: int = 0,
        orders: int = 1,
        seed: int = 0,
        direct: bool = False,
        bias: bool = True,
    ) -> None:
        size = math.prod(shape)
        order = entry_orders(size, orders, seed)
        units = hidden_degrees(hidden, size, BEFORE_ALL if context else 0)
        before = torch.full((context,), BEFORE_ALL)
        features = joined(units, order, before) if direct else joined(units, before)
        super().__init__(
            features, order.repeat_interleave(math.prod(each), -1), strict=True, bias=bias
        )
        self.output = (*shape, *each)

    def forward(self, x: Tensor) -> Tensor:
        """[..., features] to [..., *shape, *each]."""
        return super().forward(x).reshape((*x.shape[:-1], *self.output))


def function(activation: str) -> Callable[[Tensor], Tensor]:
    """The function of that name in torch, or the identity."""
    if activation == "identity":
        return lambda x: x
    return cast("Callable[[Tensor], Tensor]", getattr(functional, activation))
