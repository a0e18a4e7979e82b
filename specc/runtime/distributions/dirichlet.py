"""The Dirichlet distribution over vectors of n positive numbers that sum to one.

    log p(x) = log Gamma(sum_i a_i) + sum_i ((a_i - 1) log x_i - log Gamma(a_i)),  a = concentration

x [..., n], concentration [..., n] > 0; leading axes broadcast, and the result has no class axis.
Bishop (2006), equation 2.38.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import HALF_LOG_2PI, binet, binet_slope, deviance, kl_rest
from specc.runtime.noise import Noise


def log_prob(value: Tensor, concentration: Tensor) -> Tensor:
    """The log-density with respect to the first n - 1 entries; -inf where an entry is negative."""
    given, a = number.reals(value, concentration)
    inside = (given > 0).all(-1, keepdim=True)
    x = torch.where(inside, given, 0.5)
    n, log_x = a.sum(-1, keepdim=True), x.log()
    mean = n * x
    each = 0.5 * a.log() - HALF_LOG_2PI - binet(a) - log_x
    each = each - deviance(a, mean, n.log() + log_x) + (mean - a)
    log_p = each.sum(-1, keepdim=True) - 0.5 * n.log() + HALF_LOG_2PI + binet(n)
    shape = a.detach()
    limit = number.log_power(given, shape - 1).sum(-1, keepdim=True)
    edge = limit - _log_normalizer(shape).unsqueeze(-1)
    return torch.where(inside, log_p, edge).squeeze(-1)


def rsample(noise: Noise, concentration: Tensor, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw g / sum_i g_i, g_i ~ Gamma(a_i, 1): differentiable in the concentration.

    The ratio is a softmax of logarithms, since gamma variates of small concentrations underflow; no
    entry is 0.
    """
    log_g = noise.log_gamma(concentration, concentration.shape if shape is None else shape)
    return log_g.softmax(-1).clamp_min(torch.finfo(log_g.dtype).tiny)


@torch.no_grad()
def sample(noise: Noise, concentration: Tensor, *, shape: Sequence[int] | None = None) -> Tensor:
    """A draw without gradient, of the given shape or that of the parameters."""
    return rsample(noise, concentration, shape=shape)


def mean(concentration: Tensor) -> Tensor:
    """The mean, a / sum_i a_i."""
    return concentration / concentration.sum(-1, keepdim=True)


def entropy(concentration: Tensor) -> Tensor:
    """The entropy, log B(a) + (s - n) psi(s) - sum_i (a_i - 1) psi(a_i), s = sum_i a_i."""
    a, k = concentration, concentration.shape[-1]
    s = a.sum(-1)
    each = 0.5 * (a.log() + 1 - a.reciprocal()) + HALF_LOG_2PI + binet(a) - (a - 1) * binet_slope(a)
    joint = (0.5 - k) * s.log() - 0.5 * (1 - k / s) - HALF_LOG_2PI
    return each.sum(-1) + joint - binet(s) + (s - k) * binet_slope(s)


def kl_dirichlet(concentration: Tensor, other_concentration: Tensor) -> Tensor:
    """KL(p || q) = log B(b) - log B(a) + sum_i (a_i - b_i) (psi(a_i) - psi(sum_j a_j)).

    b is the other concentration.
    """
    a, b = concentration, other_concentration
    n, m = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
    apart = deviance(b, m * (a / n), m.log() + a.log() - n.log()) + kl_rest(a, b)
    return apart.sum(-1) - kl_rest(n, m).squeeze(-1)


def _log_normalizer(a: Tensor) -> Tensor:
    """The logarithm of B(a), sum_i log Gamma(a_i) - log Gamma(sum_i a_i)."""
    return a.lgamma().sum(-1) - a.sum(-1).lgamma()
