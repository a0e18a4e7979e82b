"""MADE: a dense network in which entry i of the result depends on the entries before i.

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
    """The hidden layers: from an event of `shape` to the features for a `MaskedHead`.

    `hidden` are the sizes of the layers, `context` that of a vector on which all outputs may
    depend. With `orders` > 1 the network has that many orders, the natural one and random
    permutations from `seed`; they share the weights, and results have a first axis of that size.
    The features are the last hidden layer; then, if `direct` or without hidden layers, the entries;
    then the context.
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
        has_context = context > 0 and len(hidden) > 0
        self.context = nn.Linear(context, sum(hidden), bias=False) if has_context else None
        order = order.reshape((*order.shape[:-1], *shape))
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The features of an event [..., *shape], with a context [..., context] that broadcasts."""
        x = self._entries(x, 0 if context is None else context.ndim - 1)
        h = x
        for layer, shift in zip(self.layers, self._shifts(context), strict=True):
            h = self.activation(layer(h) if shift is None else layer(h) + shift)
        parts = [h] if self.hidden else []
        parts += [x] if self.direct else []
        parts += [] if context is None else [context]
        return joined(*parts)

    def _entries(self, x: Tensor, least: int) -> Tensor:
        """The event as a vector with at least `least` leading axes, after the axis of orders."""
        leading = x.shape[: x.ndim - len(self.shape)]
        ones = (1,) * (least - len(leading))
        x = x.reshape(*ones, *leading, math.prod(self.shape))
        return x.expand(self.orders, *x.shape) if self.orders > 1 else x

    def _shifts(self, context: Tensor | None) -> tuple[Tensor | None, ...]:
        """The contribution of the context to each layer."""
        if self.context is None:
            return (None,) * len(self.hidden)
        return cast("tuple[Tensor, ...]", self.context(context).split(self.hidden, -1))


class MaskedHead(MaskedLinear):
    """The last layer: `each` numbers for every entry, from features of strictly lower degree.

    The features are `hidden` units, then the entries if `direct`, then the context; `MaskedMLP`
    describes the other arguments.
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
        """The outputs [..., *shape, *each] of features x [..., features]."""
        return super().forward(x).reshape((*x.shape[:-1], *self.output))


def function(activation: str) -> Callable[[Tensor], Tensor]:
    """The activation function of that name in torch; the identity without a name."""
    if activation == "identity":
        return lambda x: x
    return cast("Callable[[Tensor], Tensor]", getattr(functional, activation))
