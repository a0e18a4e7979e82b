"""NADE: a hidden layer for each entry, with weights that all entries share.

    h_i = f(c + sum over j before i of W_j x_j + U c'),    y_i = b_i + V_i h_i

(Larochelle and Murray 2011, The neural autoregressive distribution estimator, equations 9 and 10).
The sum of entry i is that of the entry before it and one more term, so that all D hidden layers of
H units cost D H operations: a cumulative sum in the order of the entries.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.causal_links.degrees import entry_orders
from specc.runtime.causal_links.masked_mlp import function


class NADE(nn.Module):
    """From an event of `shape` with D entries to the hidden layers [D, hidden].

    With `orders` > 1 the network has that many orders, the natural one and random permutations from
    `seed`; they share all weights, and results have a first axis of that size (Uria, Murray and
    Larochelle 2014, section 3.1). If `classes` is not 0, entries are class numbers, and each class
    of an entry has its own W_j. `context` is the size of a vector on which all outputs may depend.
    """

    order: Tensor
    place: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: int,
        *,
        activation: str = "sigmoid",
        orders: int = 1,
        seed: int = 0,
        classes: int = 0,
        context: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.orders, self.classes = shape, orders, classes
        self.activation = function(activation)
        size = math.prod(shape)
        self.entries = nn.Linear(size * max(classes, 1), hidden, bias=bias)
        self.context = nn.Linear(context, hidden, bias=False) if context else None
        order = entry_orders(size, orders, seed)
        self.register_buffer("place", order.argsort(-1), persistent=False)
        order = order.reshape((*order.shape[:-1], *shape))
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The hidden layers of an event [..., *shape], with a context [..., context]."""
        leading = x.shape[: x.ndim - len(self.shape)]
        terms = self._terms(x.reshape(*leading, math.prod(self.shape)))
        if self.orders == 1:
            sums = before(terms)
        else:
            numbers = self.order.flatten(1)
            pairs = zip(self.place, numbers, strict=True)
            sums = torch.stack([before(terms[..., p, :])[..., n, :] for p, n in pairs])
        sums = sums if self.entries.bias is None else sums + self.entries.bias
        if self.context is not None and context is not None:
            sums = self._aligned(sums, context) + self.context(context).unsqueeze(-2)
        return self.activation(sums)

    def _terms(self, x: Tensor) -> Tensor:
        """W_j x_j for each entry of x [..., D], [..., D, hidden]."""
        weight = self.entries.weight.mT
        if not self.classes:
            return x.unsqueeze(-1) * weight
        of_entry = self.classes * torch.arange(x.shape[-1], device=x.device)
        return functional.embedding(x.long() + of_entry, weight)

    def _aligned(self, sums: Tensor, context: Tensor) -> Tensor:
        """The sums with as many axes as those of the context need, after the axis of orders."""
        missing = (context.ndim + 1) - (sums.ndim - (self.orders > 1))
        if self.orders == 1 or missing <= 0:
            return sums
        return sums.reshape(self.orders, *[1] * missing, *sums.shape[1:])


class NADEHead(nn.Linear):
    """The last layer: `each` numbers for every entry, from its own hidden layer."""

    def __init__(
        self, shape: tuple[int, ...], hidden: int, *, each: tuple[int, ...] = (), bias: bool = True
    ) -> None:
        self.size, self.output = math.prod(shape), (*shape, *each)
        super().__init__(hidden, math.prod(self.output), bias=bias)

    def forward(self, h: Tensor) -> Tensor:
        """The outputs [..., *shape, *each] of hidden layers h [..., D, hidden]."""
        weight = self.weight.reshape(self.size, -1, self.in_features)
        y = torch.einsum("...dh,dnh->...dn", h, weight).flatten(-2)
        y = y if self.bias is None else y + self.bias
        return y.reshape((*h.shape[:-2], *self.output))


def before(terms: Tensor) -> Tensor:
    """The sum of the terms before each, over the axis of entries [..., D, hidden]."""
    return functional.pad(terms[..., :-1, :].cumsum(-2), (0, 0, 1, 0))
