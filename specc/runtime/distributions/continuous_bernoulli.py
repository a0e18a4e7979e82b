"""The continuous Bernoulli distribution on [0, 1], entry by entry.

    log p(x) = x l - A(l),  A(l) = log((e^l - 1) / l),  l = logits

A is the logarithm of the integral of e^(x l) over [0, 1]; A(0) = 0. x and l broadcast.
Loaiza-Ganem and Cunningham (2019), section 3, written with the natural parameter l.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number

# Up to this |l| the series of A and A' are exact to 1e-17; above it the closed forms do not cancel.
SMALL = 0.5

# B_2k / (2k)!, k = 1, 2, ...: the series of A' in odd powers of l.
_SERIES = (
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
)

LARGE = 60.0
"""Above this l, e^-l is negligible compared with 1 / l."""


def log_prob(value: Tensor, logits: Number) -> Tensor:
    """The log-density, -inf outside [0, 1]."""
    inside = (value >= 0) & (value <= 1)
    _, rate = number.tensors(value, logits)
    return torch.where(inside, value * rate - _log_normalizer(rate), -torch.inf)


def rsample(noise: Noise, logits: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw log(1 + u (e^l - 1)) / l, u uniform: differentiable in the logits.

    Computed at -|l|, where nothing overflows, and reflected to 1 - x for l > 0; near l = 0 by a
    series.
    """
    u = noise.uniform(number.full_shape(shape, logits))
    _, rate = number.tensors(u, logits)
    u = torch.where(rate > 0, 1 - u, u)
    decay = -rate.abs()
    small = decay > -0.01
    safe = torch.where(small, -1.0, decay)
    series = u + 0.5 * decay * u * (1 - u) * (1 + decay * (1 - 2 * u) / 3)
    x = torch.where(small, series, (u * safe.expm1()).log1p() / safe).clamp_max(1.0)
    return torch.where(rate > 0, 1 - x, x)


@torch.no_grad()
def sample(noise: Noise, logits: Number, *, shape: Sequence[int] | None = None) -> Tensor:
    """A draw without gradient, of the given shape or that of the logits."""
    return rsample(noise, logits, shape=shape)


def tails(value: Tensor, logits: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value), log((e^(x l) - 1) / (e^l - 1)), and log P(X > value), its mirror image."""
    given, rate = number.reals(value, logits)
    x, rate = torch.broadcast_tensors(given, rate)  # type: ignore[no-untyped-call]
    inside = (x > 0) & (x < 1)
    x = torch.where(inside, x, 0.5)
    log_p, log_q = _log_share(x, rate), _log_share(1 - x, -rate)
    # The larger of the two is close to 0, where a difference of A loses its digits.
    most = -torch.finfo(x.dtype).tiny
    is_low = log_p < log_q
    small = torch.where(is_low, log_p, log_q).clamp_max(most)
    rest = number.log1m_exp(small)
    log_p, log_q = torch.where(is_low, small, rest), torch.where(is_low, rest, small)
    below = torch.where(given > 0, 0.0, -torch.inf)
    above = torch.where(given < 1, 0.0, -torch.inf)
    return torch.where(inside, log_p, below), torch.where(inside, log_q, above)


def _log_share(x: Tensor, rate: Tensor) -> Tensor:
    """log of the share of e^(t l) in [0, x]: A(x l) - A(l) + log x."""
    return _log_normalizer(x * rate) - _log_normalizer(rate) + x.log()


def quantile(log_p: Tensor, log_q: Tensor, logits: Number) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q: log(1 + p (e^l - 1)) / l."""
    is_low = log_p < log_q
    (given,) = number.reals(logits)
    rate = torch.where(is_low, given, -given)
    small = torch.where(is_low, log_p, log_q)
    flat, steep = rate.abs() < torch.finfo(small.dtype).eps, rate > 1
    low = torch.where(flat | steep, 1.0, rate)
    high = torch.where(steep, rate, 1.0)
    x = (small.exp() * low.expm1()).log1p() / low
    far = torch.logaddexp(small + high + (-(-high).expm1()).log(), torch.zeros_like(small)) / high
    x = torch.where(flat, small.exp(), torch.where(steep, far, x))
    return torch.where(is_low, x, 1 - x).clamp(0.0, 1.0)


def mean(logits: Number) -> Tensor:
    """The mean, A'(l) = 1 / (1 - e^-l) - 1 / l; 1 / 2 at l = 0."""
    rate = number.tensor(logits)
    small = rate.abs() < SMALL
    safe = torch.where(small, 1.0, rate)
    near = torch.where(small, rate, 0.0)
    y = near * near
    odd = torch.zeros_like(y)
    for coefficient in reversed(_SERIES):
        odd = odd * y + coefficient
    return torch.where(small, 0.5 + near * odd, -1 / (-safe).clamp_max(LARGE).expm1() - 1 / safe)


def entropy(logits: Number) -> Tensor:
    """The entropy, A(l) - l A'(l), which is even in l: computed at -|l| without cancellation."""
    below = -number.tensor(logits).abs()
    return _log_normalizer(below) - below * mean(below)


def kl_continuous_bernoulli(logits: Number, other_logits: Number) -> Tensor:
    """KL(p || q) = A(m) - A(l) + (l - m) A'(l), l and m the two logits.

    For l > 0 both signs are flipped, which leaves KL unchanged and keeps A(l) and A'(l) bounded.
    """
    rate, other = number.tensors(logits, other_logits)
    mirror = torch.where(rate > 0, -1.0, 1.0)
    below, at = mirror * rate, mirror * other
    return _log_normalizer(at) - _log_normalizer(below) + (below - at) * mean(below)


def _log_normalizer(rate: Tensor) -> Tensor:
    """A(l) = max(l, 0) + log((1 - e^-|l|) / |l|); near l = 0, l / 2 and an even series."""
    small = rate.abs() < SMALL
    size = torch.where(small, 1.0, rate.abs())
    near = torch.where(small, rate, 0.0)
    y = near * near
    even = torch.zeros_like(y)
    for k in reversed(range(len(_SERIES))):
        even = (even + _SERIES[k] / (2 * k + 2)) * y
    far = rate.clamp_min(0) + (-(-size).expm1()).log() - size.log()
    return torch.where(small, 0.5 * near + even, far)
