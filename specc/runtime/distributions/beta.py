"""The beta distribution, entry by entry.

    log p(x) = (a - 1) log x + (b - 1) log(1 - x) - log B(a, b),  0 < x < 1

a = concentration1, b = concentration0, both > 0; all broadcast. Bishop (2006), equation 2.13.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.distributions import dirichlet
from specc.runtime.incomplete_beta import log_betainc, log_kernel, logit_beta_quantile
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, concentration1: Number, concentration0: Number) -> Tensor:
    """The log-density, -inf outside [0, 1]; at 0 and 1 its limits, which depend on a and b."""
    given, a, b = number.reals(value, concentration1, concentration0)
    inside = (given > 0) & (given < 1)
    x = torch.where(inside, given, 0.5)
    log_x, log_y = x.log(), torch.log1p(-x)
    log_p = log_kernel(a, b, x, 1 - x, log_x, log_y) - log_x - log_y
    at_zero, at_one = _at_end(a, b.log()), _at_end(b, a.log())
    ends = torch.where(given == 0, at_zero, torch.where(given == 1, at_one, -torch.inf))
    return torch.where(inside, log_p, ends)


def _at_end(shape: Tensor, log_other: Tensor) -> Tensor:
    """The limit of the log-density at the end with the exponent `shape` - 1.

    It is inf for shape < 1, the logarithm of the other parameter for shape = 1, else -inf.
    """
    exponent = shape.detach() - 1
    return torch.where(exponent == 0, log_other, -exponent * torch.inf)


def rsample(
    noise: Noise,
    concentration1: Number,
    concentration0: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Draw g1 / (g1 + g0), g1 ~ Gamma(a, 1), g0 ~ Gamma(b, 1), inside (0, 1).

    Differentiable in both parameters. The ratio is computed from logarithms, since gamma variates
    with small parameters underflow.
    """
    size = number.full_shape(shape, concentration1, concentration0)
    log_odds = noise.log_gamma(concentration1, size) - noise.log_gamma(concentration0, size)
    info = torch.finfo(log_odds.dtype)
    return log_odds.sigmoid().clamp(info.tiny, 1 - info.eps / 2)


@torch.no_grad()
def sample(
    noise: Noise,
    concentration1: Number,
    concentration0: Number,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration1, concentration0, shape=shape)


def tails(value: Tensor, concentration1: Number, concentration0: Number) -> tuple[Tensor, Tensor]:
    """log P(X <= value) and log P(X > value); 0 and 1 outside (0, 1).

    They are the logarithms of the incomplete beta functions I(x; a, b) and I(1 - x; b, a).
    """
    given, a, b = number.reals(value, concentration1, concentration0)
    inside = (given > 0) & (given < 1)
    x = torch.where(inside, given, 0.5)
    log_p, log_q = log_betainc(a, b, x, 1 - x, x.log(), torch.log1p(-x))
    below, above = torch.where(given > 0, 0.0, -torch.inf), torch.where(given < 1, 0.0, -torch.inf)
    return torch.where(inside, log_p, below), torch.where(inside, log_q, above)


def quantile(
    log_p: Tensor, log_q: Tensor, concentration1: Number, concentration0: Number
) -> Tensor:
    """The x with log P(X <= x) = log_p and log P(X > x) = log_q, inside (0, 1)."""
    a, b = number.reals(concentration1, concentration0)
    info = torch.finfo(log_p.dtype)
    x = logit_beta_quantile(log_p, log_q, a, b).sigmoid()
    return x.clamp(info.tiny, 1 - info.eps / 2)


def mean(concentration1: Number, concentration0: Number) -> Tensor:
    """The mean, a / (a + b)."""
    return number.tensor(concentration1 / (concentration1 + concentration0))


def entropy(concentration1: Number, concentration0: Number) -> Tensor:
    """The entropy, log B(a, b) - (a - 1) psi(a) - (b - 1) psi(b) + (a + b - 2) psi(a + b)."""
    return dirichlet.entropy(_stacked(*number.reals(concentration1, concentration0)))


def kl_beta(
    concentration1: Number,
    concentration0: Number,
    other_concentration1: Number,
    other_concentration0: Number,
) -> Tensor:
    """KL(p || q), with c and d the parameters of q.

    log B(c, d) - log B(a, b) + (a - c) psi(a) + (b - d) psi(b) - (a + b - c - d) psi(a + b)
    """
    a, b, c, d = number.reals(
        concentration1, concentration0, other_concentration1, other_concentration0
    )
    return dirichlet.kl_dirichlet(_stacked(a, b), _stacked(c, d))


def _stacked(a: Tensor, b: Tensor) -> Tensor:
    """The concentration [..., 2] of the Dirichlet distribution of (x, 1 - x)."""
    return torch.stack(torch.broadcast_tensors(a, b), -1)  # type: ignore[no-untyped-call]
