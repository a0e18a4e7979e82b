"""The distance of Student's t-distribution from its centre, |X - loc| / scale."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.incomplete_beta import log_betainc, logit_beta_quantile
from specc.runtime.log_gamma import HALF_LOG_2PI, binet, log1p_less

CENTRE = 1e-3
"""|x - loc| / scale, times sqrt(1 + 1 / df), below which F is the first terms of its series."""


def distance_tails(distance: Tensor, n: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """log P(|X - loc| <= |distance|) and log P(|X - loc| > |distance|).

    With z = distance / (sqrt(n) scale) the latter is the incomplete beta function
    I(1 / (1 + z^2); n / 2, 1 / 2) (Abramowitz and Stegun 1964, 26.7.1). At the centre, where that
    has no derivative in z, the former is 2 f z (1 - (n + 1) z^2 / 6), f the density of z at 0.
    """
    z, n = torch.broadcast_tensors(  # type: ignore[no-untyped-call]
        distance.abs() / (n.sqrt() * scale), n
    )
    near = z * (n + 1).sqrt() < CENTRE
    most = torch.finfo(z.dtype).max ** 0.45
    far = torch.where(near, 1.0, z).clamp_max(most)
    square = far * far
    log_p, log_q = -torch.log1p(square), -torch.log1p(1 / square)
    half = torch.full_like(n, 0.5)
    beyond, within = log_betainc(0.5 * n, half, log_p.exp(), log_q.exp(), log_p, log_q)
    # Beyond `most` the tail is a power.
    beyond = beyond - n * (torch.where(near, 1.0, z) / far).log()
    least = torch.finfo(z.dtype).tiny
    small = torch.where(near, z, least).clamp_min(least)
    log_slope = log_density_at_centre(n) + math.log(2)
    inner = log_slope + small.log() + torch.log1p(-(n + 1) * small * small / 6)
    return torch.where(near, inner, within), torch.where(near, number.log1m_exp(inner), beyond)


def distance_quantile(log_p: Tensor, log_q: Tensor, n: Tensor) -> Tensor:
    """The |X - loc| / scale with log_p and log_q, the logarithms of what is within and beyond."""
    found = logit_beta_quantile(log_q, log_p, 0.5 * n, torch.full_like(n, 0.5))
    return n.sqrt() * number.positive_exp(-0.5 * found, room=1e3)


def log_density_at_centre(df: Tensor) -> Tensor:
    """The log of f, the density of z = (x - loc) / (sqrt(df) scale) at 0."""
    return 0.5 * df.log() - log_normalizer(df)


def log_normalizer(df: Tensor) -> Tensor:
    """The log of Z = sqrt(df) B(df / 2, 1 / 2), the integral of (1 + z^2 / df)^(-(df + 1) / 2).

    By Binet's function it is log(2 pi) / 2 - k (log(1 + u) - u) - mu(k + 1 / 2) + mu(k), with
    k = df / 2 and u = 1 / (2 k).
    """
    k = 0.5 * df
    return HALF_LOG_2PI - k * log1p_less(0.5 / k) - (binet(k + 0.5) - binet(k))
