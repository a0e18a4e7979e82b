"""Draws from a density that is a product of conditional ones: entry by entry, in their order.

    p(x) = prod over i of p(x_i | x_<i)

Both functions take `draw`, which draws every entry given all of x, and call it once for each order
number: of the k-th call only the entries of number k are kept, and these depend on entries that are
final by then. A draw of D entries so costs D passes through the network.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from specc.runtime.noise import Noise

Draw = Callable[[Tensor], Tensor]


def ancestral(draw: Draw, start: Tensor, order: Tensor) -> Tensor:
    """The entries of each number in `order` [*event] replaced in turn by those of `draw(x)`.

    `start` is [..., *event]; what it holds does not matter. The result has the type of `draw`'s,
    and its gradient where that is reparameterized.
    """
    x = start
    for number in order.unique():  # type: ignore[no-untyped-call]
        drawn = draw(x)
        x = torch.where(order == number, drawn, x.to(drawn.dtype))
    return x


def ancestral_mixture(noise: Noise, draw: Draw, start: Tensor, order: Tensor) -> Tensor:
    """A draw from the mean of the densities of several orders, `order` [n, *event].

    Each cell of the leading axes picks one of the n at random and follows it. `draw(x)` returns
    the draws of all, [n, ..., *event], of which the picked one is taken.
    """
    leading = start.shape[: start.ndim - order.ndim + 1]
    even = torch.zeros(len(order), dtype=noise.dtype, device=start.device)
    picked = noise.categorical(even, leading)
    index = picked.reshape(1, *leading, *[1] * (order.ndim - 1)).expand(1, *start.shape)

    def draw_picked(x: Tensor) -> Tensor:
        return draw(x).gather(0, index).squeeze(0)

    return ancestral(draw_picked, start, order[picked])
