"""A transformer whose steps attend to previous steps: causal self-attention.

    h_t = E x_(t-1) + P_t + U c,  h_1 = e + P_1 + U c
    h = h + A(norm(h)),           h = h + W_2 gelu(W_1 norm(h))
    A(h)_t = V_o sum_(s <= t) softmax_s(q_t k_s / sqrt(d)) v_s,  (q, k, v) = W h, head by head

(Vaswani et al. 2017, Attention is all you need, equation 1 and section 3.2; normalization before
each part of a block: Radford et al. 2019, section 2.3). The input is shifted by one step, so a step
does not depend on itself; the first step has a learnt vector e in place of an input.

A draw computes each step once: the keys k and values v of earlier steps are kept in a memory, since
no later step changes them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.draws.memory import Memory


class Transformer(nn.Module):
    """The blocks: an event [time] or [time, channels] to features [time, width].

    The entries of one step have the same order number and do not depend on each other. If `classes`
    is not 0, the entries are class numbers, each with a learnt vector, and those of the channels of
    a step are added; otherwise the entries of a step are numbers. `context` is the size of a vector
    that is added to every step by a linear map.

    While it has a `memory`, as in a draw, it computes the step of the memory alone.
    """

    order: Tensor
    memory: Memory | None = None

    def __init__(
        self,
        shape: tuple[int, ...],
        width: int,
        *,
        depth: int = 4,
        heads: int = 4,
        hidden: int | None = None,
        dropout: float = 0.0,
        classes: int = 0,
        context: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.series, self.classes = shape, (*shape, 1)[:2], classes
        time, channels = self.series
        self.first = nn.Parameter(0.02 * torch.randn(width))
        self.positions = nn.Parameter(0.02 * torch.randn(time, width))
        self.embedding: nn.Embedding | nn.Linear = (
            nn.Embedding(channels * classes, width)
            if classes
            else nn.Linear(channels, width, bias=bias)
        )
        self.context = nn.Linear(context, width, bias=False) if context else None
        self.blocks = nn.ModuleList(
            Block(width, heads, hidden or 4 * width, dropout, classes > 0, bias)
            for _ in range(depth)
        )
        self.last = nn.LayerNorm(width, bias=bias)
        order = torch.arange(time).reshape(time, *[1] * len(shape[1:])).repeat(1, *shape[1:])
        self.register_buffer("order", order, persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The features of an event [..., *shape], with a context [..., context] that broadcasts.

        With a memory, the features of its step stand at all steps.
        """
        leading = x.shape[: x.ndim - len(self.shape)]
        x = x.reshape(*leading, *self.series)
        h = self._inputs(x) if self.memory is None else self._input(x, self.memory.step)
        if self.context is not None and context is not None:
            h = h + self.context(context).unsqueeze(-2)
        rows = h.reshape(math.prod(h.shape[:-2]), *h.shape[-2:])
        for block in self.blocks:
            rows = block(rows, self.memory)
        features: Tensor = self.last(rows)
        return features.reshape(h.shape).expand(*h.shape[:-2], self.series[0], -1)

    def _inputs(self, x: Tensor) -> Tensor:
        """The vectors [..., time, width] that the blocks take, of x [..., time, channels]."""
        first = self.first.expand(*x.shape[:-2], 1, -1)
        return torch.cat([first, self._embedded(x[..., :-1, :])], -2) + self.positions

    def _input(self, x: Tensor, step: int) -> Tensor:
        """The vector [..., 1, width] of one step."""
        before = x[..., step - 1 : step, :]
        vector = self._embedded(before) if step else self.first.expand(*x.shape[:-2], 1, -1)
        return vector + self.positions[step]

    def _embedded(self, x: Tensor) -> Tensor:
        """The vector of each step of x [..., time, channels]."""
        if not self.classes:
            numbers: Tensor = self.embedding(x)
            return numbers
        of_channel = self.classes * torch.arange(x.shape[-1], device=x.device)
        vectors: Tensor = self.embedding(x.long() + of_channel)
        return vectors.sum(-2)


class Block(nn.Module):
    """Attention, then a network of one hidden layer; each reads normalized vectors and adds."""

    def __init__(
        self, width: int, heads: int, hidden: int, dropout: float, fused: bool, bias: bool
    ) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width, bias=bias)
        self.attention = CausalAttention(width, heads, fused, bias)
        self.before_network = nn.LayerNorm(width, bias=bias)
        self.network = nn.Sequential(
            nn.Linear(width, hidden, bias=bias), nn.GELU(), nn.Linear(hidden, width, bias=bias)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, memory: Memory | None = None) -> Tensor:
        """The vectors [rows, time, width] after this block; [rows, 1, width] with a memory."""
        h = h + self.dropout(self.attention(self.before_attention(h), memory))
        change: Tensor = self.dropout(self.network(self.before_network(h)))
        return h + change


class CausalAttention(nn.Module):
    """Each step is a mean of values of itself and the steps before it, weighted by its query.

    The `fused` kernel is faster, but has no second derivatives, which a loss may need with respect
    to numbers, and not with respect to class numbers.
    """

    def __init__(self, width: int, heads: int, fused: bool, bias: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.inputs = nn.Linear(width, 3 * width, bias=bias)
        self.output = nn.Linear(width, width, bias=bias)

    def forward(self, h: Tensor, memory: Memory | None = None) -> Tensor:
        """The attention of vectors [rows, time, width], of the same shape.

        With a memory, they are those of its step, and attend to all steps up to it.
        """
        split: Tensor = self.inputs(h).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.movedim(1, 3).unbind(1)  # [rows, heads, time, width / heads]
        if memory is not None:
            key = memory.extended((self, "key"), key)
            value = memory.extended((self, "value"), value)
        if self.fused:
            causal = memory is None
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        else:
            scores = query @ key.mT / math.sqrt(query.shape[-1])
            before = key.shape[-2] - query.shape[-2]
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=h.device).triu(
                before + 1
            )
            mixed = scores.masked_fill(later, -math.inf).softmax(-1) @ value
        joined: Tensor = self.output(mixed.movedim(1, 2).flatten(-2))
        return joined
