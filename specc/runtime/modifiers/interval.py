"""Probabilities of intervals from the two tails of a distribution."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.modifiers.modified import Base
from specc.runtime.number import Number

LOG_HALF = -math.log(2)


def log_below(base: Base, end: Number, like: Tensor, parameters: tuple[Number, ...]) -> Tensor:
    """log P(X <= end); 0 and -inf at infinite ends."""
    return _tail(base.log_cdf, end, like, parameters, math.inf)


def log_above(base: Base, end: Number, like: Tensor, parameters: tuple[Number, ...]) -> Tensor:
    """log P(X > end); 0 and -inf at infinite ends."""
    return _tail(base.log_survival, end, like, parameters, -math.inf)


def log_between(
    base: Base, lower: Number, upper: Number, like: Tensor, parameters: tuple[Number, ...]
) -> Tensor:
    """log P(lower < X <= upper), from the tail in which the lower end is.

    Below the median it is log(F(upper) - F(lower)), above it log(S(lower) - S(upper)), S = 1 - F.
    """
    below, above = (log_below(base, end, like, parameters) for end in (lower, upper))
    right, left = (log_above(base, end, like, parameters) for end in (lower, upper))
    is_low = below < LOG_HALF
    return torch.where(is_low, log_minus(above, below), log_minus(right, left))


def log_minus(large: Tensor, small: Tensor) -> Tensor:
    """log(e^large - e^small), large >= small; -inf if they are equal."""
    apart = large > small
    difference = torch.where(apart & (small > -torch.inf), small - large, -torch.inf)
    rest = torch.where(apart, number.log1m_exp(difference), -torch.inf)
    return torch.where(apart, large, 0.0) + rest


def _tail(
    function: Callable[..., Tensor],
    end: Number,
    like: Tensor,
    parameters: tuple[Number, ...],
    one: float,
) -> Tensor:
    """The tail at finite ends; at the infinite end `one` its probability is 1, at the other 0."""
    x = number.tensors(end, like)[0]
    finite = x.isfinite()
    found = function(torch.where(finite, x, like.detach()), *parameters)
    return torch.where(finite, found, torch.where(x == one, 0.0, -torch.inf))
