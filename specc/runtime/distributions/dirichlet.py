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
from specc.runtime.noise import Noise


def log_prob(value: Tensor, concentration: Tensor) -> Tensor:
    """The log-density with respect to the first n - 1 entries; -inf where an entry is negative."""
    a = concentration
    return number.log_power(value, a - 1).sum(-1) - _log_normalizer(a)


def rsample(noise: Noise, concentration: Tensor, *, shape: Sequence[int] | None = None) -> Tensor:
    """Draw g / sum_i g_i, g_i ~ Gamma(a_i, 1): differentiable in the concentration.

    The ratio is a softmax of logarithms, since gamma numbers of small concentrations vanish in
    floating point; no entry is 0.
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
    a = concentration
    s = a.sum(-1)
    slopes = ((a - 1) * a.digamma()).sum(-1)
    return _log_normalizer(a) + (s - a.shape[-1]) * s.digamma() - slopes


def kl_dirichlet(concentration: Tensor, other_concentration: Tensor) -> Tensor:
    """KL(p || q) = log B(b) - log B(a) + sum_i (a_i - b_i) (psi(a_i) - psi(sum_j a_j)).

    b is the other concentration.
    """
    a, b = concentration, other_concentration
    slopes = a.digamma() - a.sum(-1, keepdim=True).digamma()
    return _log_normalizer(b) - _log_normalizer(a) + ((a - b) * slopes).sum(-1)


def _log_normalizer(a: Tensor) -> Tensor:
    """The logarithm of B(a), sum_i log Gamma(a_i) - log Gamma(sum_i a_i)."""
    return a.lgamma().sum(-1) - a.sum(-1).lgamma()
