"""The logarithm of the regularized incomplete beta function, differentiable in its arguments.

    I(p; a, b) = int_0^p t^(a - 1) (1 - t)^(b - 1) dt / B(a, b),  a, b > 0,  0 < p < 1

It is the distribution function of a beta variable, and 1 - I(p; a, b) = I(1 - p; b, a). With
s = logit(p) - logit(t) and q = 1 - p, it is p^a q^b / B(a, b) times the integral of e^-h(s) over
s > 0,

    h(s) = (a q - b p) s + (a + b) c(s),  c(s) = log(1 + p (e^-s - 1)) + p s,

where the integrand is the largest at s = 0 if p <= a / (a + b), so that no tail underflows. For a
short tail it is the sum of some terms of its series (Abramowitz and Stegun 1964, 26.5.4) and of the
integral for a larger a.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import HALF_LOG_2PI, NEAR, binet, binomial_deviance, log1p_less
from specc.runtime.quadrature import cut, end_of, expm1_less, integral
from specc.runtime.quantiles import real_quantile

TERMS = 20
"""The terms of the series."""


def log_kernel(a: Tensor, b: Tensor, p: Tensor, q: Tensor, log_p: Tensor, log_q: Tensor) -> Tensor:
    """log(p^a q^b / B(a, b)), p + q = 1.

    Computed from a deviance and the error terms of Stirling's formula, which do not cancel.
    """
    n = a + b
    rest = 0.5 * (a.log() + b.log() - n.log()) - HALF_LOG_2PI + (binet(n) - binet(a) - binet(b))
    return rest - binomial_deviance(a, b, p, q, log_p, log_q)


def log_betainc(
    a: Tensor, b: Tensor, p: Tensor, q: Tensor, log_p: Tensor, log_q: Tensor
) -> tuple[Tensor, Tensor]:
    """log I(p; a, b) and log I(q; b, a), with p + q = 1 and their logarithms."""
    made = torch.broadcast_tensors(a, b, p, q, log_p, log_q)  # type: ignore[no-untyped-call]
    a, b, p, q, log_p, log_q = made
    low = b * p <= a * q
    kernel = log_kernel(a, b, p, q, log_p, log_q)
    one, other = torch.where(low, a, b), torch.where(low, b, a)
    found = kernel + _tail(one, other, torch.where(low, p, q), torch.where(low, q, p)).log()
    found = found.clamp_max(-torch.finfo(a.dtype).tiny)
    rest = number.log1m_exp(found)
    return torch.where(low, found, rest), torch.where(low, rest, found)


def _tail(a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """I(p; a, b) B(a, b) / (p^a q^b), p <= a / (a + b)."""
    steps = torch.arange(TERMS, dtype=p.dtype, device=p.device)
    ratios = ((a + b).unsqueeze(-1) + steps) / (a.unsqueeze(-1) + steps + 1)
    terms = (p.unsqueeze(-1) * ratios).cumprod(-1)
    rest = (a + TERMS) * _integral(a + TERMS, b, p, q)
    return (1 + terms[..., :-1].sum(-1) + terms[..., -1] * rest) / a


def _integral(a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """The integral of e^-h."""
    first, total = a * q - b * p, a + b
    end = end_of(
        lambda s: first * s + total * (torch.log1p(p * torch.expm1(-s)) + p * s),
        lambda s: first + total * (p - p / (p + q * s.exp())),
        first,
        total * p * q,
        torch.full_like(p, 2 * cut(p.dtype)),
    )
    c, n, p, q = (each.unsqueeze(-1) for each in (first, total, p, q))
    return integral(lambda s: c * s + n * _curve(s, p, q), end)


def _curve(s: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """log(1 + p (e^-s - 1)) + p s = log(1 + q (e^s - 1)) - q s, from the smaller of p and q."""
    few = p < q
    m, t = torch.where(few, p, q), torch.where(few, -s, s)
    w = m * torch.expm1(t)
    near = w.abs() < NEAR
    small = log1p_less(torch.where(near, w, 0.0)) + m * torch.where(near, expm1_less(t), 0.0)
    return torch.where(near, small, w.log1p() - m * t)


def logit_beta_quantile(log_p: Tensor, log_q: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The logit of the p with log I(p; a, b) = log_p and log(1 - I) = log_q, without a gradient."""
    kind = log_p.dtype
    a, b = a.double(), b.double()
    return real_quantile(
        lambda y: log_betainc(a, b, *number.sigmoid_pair(y)),
        lambda y: log_kernel(a, b, *number.sigmoid_pair(y)),
        log_p.double(),
        log_q.double(),
        a.log() - b.log(),
    ).to(kind)
