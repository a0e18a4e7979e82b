"""Counts with more zeros than a distribution has.

    p(x) = gate [x = 0] + (1 - gate) p_base(x),  gate = sigmoid(gate_logits)

Lambert (1992), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from specc.runtime import number
from specc.runtime.modifiers.modified import Modified
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class ZeroInflated(Modified):
    """`ZeroInflated(poisson)`, a distribution with the parameters gate_logits, rate."""

    def log_prob(self, value: Tensor, gate_logits: Number, *parameters: Number) -> Tensor:
        """The log-probability, -inf where value < 0."""
        log_p = self.base.log_prob(value, *parameters)
        gate = number.tensors(gate_logits, log_p)[0]
        open_ = logsigmoid(-gate) + log_p
        zero = torch.logaddexp(logsigmoid(gate), torch.where(value == 0, open_, 0.0))
        return torch.where(value == 0, zero, open_)

    @torch.no_grad()
    def sample(
        self,
        noise: Noise,
        gate_logits: Number,
        *parameters: Number,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """Counts as floating-point numbers, of the given shape or that of the parameters."""
        size = self.drawn(gate_logits, *parameters) if shape is None else shape
        drawn = self.base.sample(noise, *parameters, shape=size)
        closed = noise.uniform(size) < number.sigmoid(gate_logits)
        return torch.where(closed, torch.zeros_like(drawn), drawn)

    def mean(self, gate_logits: Number, *parameters: Number) -> Tensor:
        """The mean, (1 - gate) times that of the base."""
        return number.sigmoid(-gate_logits) * self.base.mean(*parameters)
