"""The logarithms of the regularized incomplete gamma functions, differentiable in both arguments.

    P(a, x) = int_0^x t^(a - 1) e^-t dt / Gamma(a),  Q(a, x) = 1 - P(a, x),  a > 0, x > 0

They are the distribution function of a gamma variable of rate 1 and its complement. With
s = |log(t / x)|, P is x^a e^-x / Gamma(a) times the integral of e^-h(s) over s > 0,

    h(s) = (a - x) s + x (e^-s - 1 + s) if x <= a,

and Q is so for x > a, with h(s) = (x - a) s + x (e^s - 1 - s): no tail underflows. For a short
tail P is the sum of some terms of its series (Abramowitz and Stegun 1964, 6.5.29) and of P at a
larger a.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.log_gamma import log_kernel
from specc.runtime.quadrature import cut, end_of, expm1_less, integral
from specc.runtime.quantiles import real_quantile

TERMS = 20
"""The terms of the series of P."""

SMALL = 0.01
"""Below it P is computed by its series, also if x > a: the integral of Q has a long tail."""


def log_gammainc(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """log P(a, x) and log Q(a, x), a > 0, 0 < x < inf, in the shape of both."""
    a, x = torch.broadcast_tensors(a, x)  # type: ignore[no-untyped-call]
    low = (x <= a) | (x < SMALL)
    sign = torch.where(low, -1.0, 1.0).to(x.dtype)
    tail = _integral(torch.where(low, a + TERMS, a), x, sign)
    tail = torch.where(low, _with_series(a, torch.where(low, x, 0.0), tail), tail)
    found = (log_kernel(a, x, x.log()) + tail.log()).clamp_max(-torch.finfo(x.dtype).tiny)
    other = number.log1m_exp(found)
    return torch.where(low, found, other), torch.where(low, other, found)


def _integral(a: Tensor, x: Tensor, sign: Tensor) -> Tensor:
    """The integral of e^-h, h(s) = |x - a| s + x (e^(sign s) - 1 - sign s)."""
    first = sign * (x - a)
    end = end_of(
        lambda s: first * s + x * (torch.expm1(sign * s) - sign * s),
        lambda s: first + sign * x * torch.expm1(sign * s),
        first,
        x,
        5 + torch.log1p(cut(x.dtype) / x),
    )
    c, y, r = (each.unsqueeze(-1) for each in (first, x, sign))
    return integral(lambda s: c * s + y * expm1_less(r * s), end)


def _with_series(a: Tensor, x: Tensor, tail: Tensor) -> Tensor:
    """P(a, x) Gamma(a) / (x^a e^-x), from that of a + TERMS."""
    steps = torch.arange(1, TERMS + 1, dtype=x.dtype, device=x.device)
    terms = (x.unsqueeze(-1) / (a.unsqueeze(-1) + steps)).cumprod(-1)
    return (1 + terms[..., :-1].sum(-1) + terms[..., -1] * (a + TERMS) * tail) / a


def log_gamma_quantile(log_p: Tensor, log_q: Tensor, a: Tensor) -> Tensor:
    """The log x with log P(a, x) = log_p and log Q(a, x) = log_q, without a gradient.

    Newton's steps begin at bounds, P(a, x) <= x^a / Gamma(a + 1) and Q(a, a + (2 a l)^(1/2) + l)
    <= e^-l (Boucheron, Lugosi and Massart 2013, section 2.4).
    """
    kind = log_p.dtype
    log_p, log_q, a = log_p.double(), log_q.double(), a.double()
    least = (log_p + (a + 1).lgamma()) / a
    most = (a - log_q + (-2 * a * log_q).sqrt()).log()
    return real_quantile(
        lambda y: log_gammainc(a, y.exp()),
        lambda y: log_kernel(a, y.exp(), y),
        log_p,
        log_q,
        torch.where(log_p < log_q, least, most),
    ).to(kind)
