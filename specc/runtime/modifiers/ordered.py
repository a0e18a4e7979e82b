"""Increasing vectors of independent draws of one distribution.

    log p(x) = log n! + sum_i log p_base(x_i),  x_1 < x_2 < ... < x_n

x [..., n]; the parameters [...] are those of each of the n draws. David and Nagaraja (2003),
equation 2.2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.modifiers.modified import Modified
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Ordered(Modified):
    """`Ordered(normal)`, a distribution of vectors with the parameters loc, scale."""

    own = 0

    def log_prob(self, value: Tensor, *parameters: Number) -> Tensor:
        """The log-density [...], -inf unless the entries increase."""
        each = self.base.log_prob(value, *map(_of_entries, parameters))
        rises = (value.diff(dim=-1) >= 0).all(-1)
        total = each.sum(-1) + math.lgamma(value.shape[-1] + 1)
        return torch.where(rises, total, -torch.inf)

    def rsample(self, noise: Noise, *parameters: Number, shape: Sequence[int]) -> Tensor:
        """Draws in order [..., n], with the gradients of the draws."""
        drawn = self.base.rsample(noise, *map(_of_entries, parameters), shape=shape)
        return drawn.sort(-1).values

    @torch.no_grad()
    def sample(self, noise: Noise, *parameters: Number, shape: Sequence[int]) -> Tensor:
        """Draws in order [..., n], without gradient."""
        drawn = self.base.sample(noise, *map(_of_entries, parameters), shape=shape)
        return drawn.sort(-1).values


def _of_entries(parameter: Number) -> Number:
    """A parameter [...] of all entries of a vector, as one of each: [..., 1]."""
    return parameter.unsqueeze(-1) if isinstance(parameter, Tensor) else parameter
