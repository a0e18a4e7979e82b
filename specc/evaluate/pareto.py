"""The tail of importance weights: the shape k of a generalized Pareto distribution.

The excesses of a row's largest weights over the next weight are fitted by

    P(w > t) = (1 + k t / s)^(-1 / k)

With k below 1/2 the weights have a finite variance; above 0.7 the estimate is unreliable with any
practical number of particles (Vehtari, Simpson, Gelman, Yao and Gabry 2024, sections 3.2 and 6).
The fit is the quasi-Bayesian one of Zhang and Stephens (2009), shrunk slightly towards 1/2 (Vehtari
et al. 2024, appendix C).

If the guide equals the posterior the log-weights of a row differ by rounding alone, and k is 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

UNTRUSTED = 0.7
FEWEST = 25
"""Particles below which no tail is fitted."""

ROUNDINGS = 64
"""The largest spread of log-weights that counts as rounding, in units of the last place."""


def tail_length(particles: int) -> int:
    """The number of the largest weights that are fitted: min(K / 5, 3 sqrt(K))."""
    return int(min(particles / 5, 3 * math.sqrt(particles)))


class Tail:
    """The largest log-weights of each row, of all particles added so far."""

    def __init__(self, particles: int) -> None:
        self.length = tail_length(particles) if particles >= FEWEST else 0
        self._largest: Tensor | None = None
        self._rounding: Tensor | None = None

    def add(self, log_p: Tensor, log_q: Tensor) -> None:
        """Adds more particles, by the two terms of their log-weights: [particles, rows] each."""
        if not self.length:
            return
        sizes = (log_p.abs() + log_q.abs()).amax(0).clamp_min(1).double()
        eps = max(torch.finfo(log_p.dtype).eps, torch.finfo(log_q.dtype).eps)
        rounding = ROUNDINGS * eps * sizes
        before = self._rounding
        self._rounding = rounding if before is None else torch.maximum(before, rounding)
        log_w = (log_p - log_q).double().T
        if self._largest is not None:
            log_w = torch.cat([self._largest, log_w], dim=-1)
        self._largest = log_w.topk(min(self.length + 1, log_w.shape[-1]), dim=-1).values

    def shape(self) -> Tensor | None:
        """The shape k of each row; None if there are too few particles.

        It is inf if the largest weight is 0 or not finite.
        """
        if (
            self._largest is None
            or self._rounding is None
            or self._largest.shape[-1] <= self.length
        ):
            return None
        largest = self._largest[:, :1]
        possible = largest.isfinite()
        logs = torch.where(possible, self._largest - largest, 0.0)
        alike = logs[:, -1] >= -self._rounding
        weights = torch.where(alike[:, None], 1.0, logs.exp())
        shapes = fit((weights[:, :-1] - weights[:, -1:]).flip(-1))
        return torch.where(possible[:, 0], shapes, torch.inf)


def fit(exceedances: Tensor) -> Tensor:
    """The shape k of each row of excesses in ascending order: [rows, n] to [rows].

    Zhang and Stephens (2009), section 3: a mean over candidates of b = -k / s by their likelihood.
    A row whose values are all equal has no tail, and k is 0.
    """
    n = exceedances.shape[-1]
    count = 30 + int(math.sqrt(n))
    spread = exceedances[:, -1] > 0
    x = torch.where(spread[:, None], exceedances.clamp(min=1e-300), torch.ones_like(exceedances))
    quartile = x[:, int(n / 4 + 0.5) - 1]
    place = torch.arange(1, count + 1, dtype=x.dtype, device=x.device) - 0.5
    b = (1 - torch.sqrt(count / place)) / (3 * quartile[:, None]) + 1 / x[:, -1:]
    shapes = torch.log1p(-b[..., None] * x[:, None]).mean(-1)
    likelihood = n * (torch.log(-b / shapes) - shapes - 1)
    likelihood = torch.where(likelihood.isfinite(), likelihood, torch.full_like(b, -math.inf))
    best = (likelihood.softmax(-1) * b).sum(-1)
    shape = torch.log1p(-best[:, None] * x).mean(-1)
    drawn_in = (n * shape + 10 * 0.5) / (n + 10)
    return torch.where(spread, drawn_in, torch.zeros_like(drawn_in))
