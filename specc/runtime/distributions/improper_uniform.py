"""The improper uniform distribution on [low, high], entry by entry.

    log p(x) = 0,  low <= x <= high

x, low and high broadcast. The density does not integrate to one, so there are no draws.
Gelman et al. (2013), section 2.8.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime.number import Number


def log_prob(value: Tensor, low: Number = -math.inf, high: Number = math.inf) -> Tensor:
    """The log-density up to a constant, 0, and -inf outside [low, high]."""
    return torch.where((value >= low) & (value <= high), 0.0, -torch.inf)
