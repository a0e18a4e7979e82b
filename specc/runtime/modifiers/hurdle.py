"""Counts that are 0 with a given probability, and else of a distribution without its zeros.

    p(x) = gate if x = 0, else (1 - gate) p_base(x) / (1 - p_base(0)),  gate = sigmoid(gate_logits)

Mullahy (1986), section 2.
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

ROUNDS = 10_000
"""Draws of the base until it is not 0; the rest are 1, the most likely count of a small mean."""


class Hurdle(Modified):
    """`Hurdle(poisson)`, a distribution with the parameters gate_logits, rate."""

    def log_prob(self, value: Tensor, gate_logits: Number, *parameters: Number) -> Tensor:
        """The log-probability, -inf where value < 0."""
        none = value == 0
        log_p = self.base.log_prob(torch.where(none, 1, value), *parameters)
        gate = number.tensors(gate_logits, log_p)[0]
        at_zero = self.base.log_prob(torch.zeros_like(value), *parameters)
        positive = logsigmoid(-gate) + log_p - number.log1m_exp(at_zero)
        return torch.where(none, logsigmoid(gate), positive)

    @torch.no_grad()
    def sample(
        self,
        noise: Noise,
        gate_logits: Number,
        *parameters: Number,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """Counts as floating-point numbers, of the given shape or that of the parameters.

        Draws of the base that are 0 are drawn again.
        """
        size = self.drawn(gate_logits, *parameters) if shape is None else shape
        drawn = self.base.sample(noise, *parameters, shape=size)
        for _ in range(ROUNDS):
            if (drawn != 0).all():
                break
            drawn = torch.where(drawn == 0, self.base.sample(noise, *parameters, shape=size), drawn)
        closed = noise.uniform(size) < number.sigmoid(gate_logits)
        return torch.where(closed, torch.zeros_like(drawn), drawn.clamp_min(1))

    def mean(self, gate_logits: Number, *parameters: Number) -> Tensor:
        """The mean, (1 - gate) / (1 - p_base(0)) times that of the base."""
        mean = self.base.mean(*parameters)
        positive = number.log1m_exp(self.base.log_prob(torch.zeros_like(mean), *parameters)).exp()
        return number.sigmoid(-gate_logits) * mean / positive
