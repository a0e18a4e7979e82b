"""Probabilities of intervals from the two tails of a distribution."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.modifiers.modified import Base
from specc.runtime.number import Number

LOG_HALF = -math.log(2)

Tails = tuple[Tensor, Tensor]
"""log P(X <= end) and log P(X > end)."""


def tails(base: Base, end: Number, like: Tensor, parameters: tuple[Number, ...]) -> Tails:
    """The two tails at an end; at an infinite one their probabilities are 0 and 1."""
    x = number.tensors(end, like)[0]
    if not isinstance(end, Tensor) and math.isfinite(end):
        return base.tails(x, *parameters)
    if not isinstance(end, Tensor):
        sure, never = torch.zeros_like(x), torch.full_like(x, -torch.inf)
        return (sure, never) if end > 0 else (never, sure)
    finite = x.isfinite()
    log_p, log_q = base.tails(torch.where(finite, x, like.detach()), *parameters)
    log_p = torch.where(finite, log_p, torch.where(x == math.inf, 0.0, -torch.inf))
    return log_p, torch.where(finite, log_q, torch.where(x == -math.inf, 0.0, -torch.inf))


def log_between(low: Tails, high: Tails) -> Tensor:
    """log P(lower < X <= upper) from the tails at both ends: from that in which the lower end is.

    Below the median it is log(F(upper) - F(lower)), above it log(S(lower) - S(upper)), S = 1 - F.
    """
    below, above = log_minus(high[0], low[0]), log_minus(low[1], high[1])
    return torch.where(is_low(low), below, above)


def is_low(end: Tails) -> Tensor:
    """Whether an end is below the median."""
    return end[0].detach() < LOG_HALF


def log_minus(large: Tensor, small: Tensor) -> Tensor:
    """log(e^large - e^small), large >= small; -inf if they are equal."""
    apart = large > small
    difference = torch.where(apart & (small > -torch.inf), small - large, -torch.inf)
    rest = torch.where(apart, number.log1m_exp(difference), -torch.inf)
    return torch.where(apart, large, 0.0) + rest
