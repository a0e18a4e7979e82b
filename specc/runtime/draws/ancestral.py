"""Ancestral sampling: draws from a product of conditional densities, entry by entry.

    p(x) = prod over i of p(x_i | x_<i)

All functions take `draw`, which draws every entry given all of x, and call it once for each order
number. The k-th call sets the entries of order number k alone, which depend on entries that are
final already. So a draw of D entries costs D passes through the network; if the network has a
memory, each pass is of one step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from specc.runtime.draws.memory import Memory
from specc.runtime.noise import Noise

Draw = Callable[[Tensor], Tensor]


class Remembering(Protocol):
    """A network that computes one step of a draw at a time while it has a memory.

    Its order numbers are 0, 1, 2 and so on. With a memory, the result for the step of the memory
    stands at all steps.
    """

    order: Tensor
    memory: Memory | None


def ancestral(draw: Draw, start: Tensor, order: Tensor) -> Tensor:
    """A draw [..., *event] in the order given by the order numbers `order` [*event].

    `start` [..., *event] gives the shape; its values have no effect. The result has the dtype of
    `draw(x)`, and a gradient if `draw` is reparameterized.
    """
    x = start
    for number in order.unique():  # type: ignore[no-untyped-call]
        drawn = draw(x)
        x = torch.where(order == number, drawn, x.to(drawn.dtype))
    return x


def ancestral_with_memory(draw: Draw, start: Tensor, network: Remembering) -> Tensor:
    """The draw of `ancestral`, whose network computes each step once."""
    memory = network.memory = Memory()

    def draw_step(x: Tensor) -> Tensor:
        drawn = draw(x)
        memory.next_step()
        return drawn

    try:
        return ancestral(draw_step, start, network.order)
    finally:
        network.memory = None


def ancestral_mixture(noise: Noise, draw: Draw, start: Tensor, order: Tensor) -> Tensor:
    """A draw from the mean of the densities of several orders, `order` [n, *event].

    Each element of the leading axes uses one of the n orders, which is drawn uniformly. `draw(x)`
    returns the draws under all orders, [n, ..., *event].
    """
    leading = start.shape[: start.ndim - order.ndim + 1]
    even = torch.zeros(len(order), dtype=noise.dtype, device=start.device)
    picked = noise.categorical(even, leading)
    index = picked.reshape(1, *leading, *[1] * (order.ndim - 1)).expand(1, *start.shape)

    def draw_picked(x: Tensor) -> Tensor:
        return draw(x).gather(0, index).squeeze(0)

    return ancestral(draw_picked, start, order[picked])
