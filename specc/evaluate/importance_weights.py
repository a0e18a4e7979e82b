"""Running log-sums of importance weights for each row, in float64.

With w_k the weights of a row's particles,

    log p(x) >= E[log 1/K sum_k w_k]         Burda, Grosse and Salakhutdinov (2016), eq. 8
    effective sample size = (sum_k w_k)^2 / sum_k w_k^2     Kong (1992)

so each row needs log sum w and log sum w^2 alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


class LogSums:
    """log sum w, log sum w^2 and the sum of log w, over the particles added so far."""

    def __init__(self, rows: int, device: torch.device) -> None:
        nothing = torch.full((rows,), -math.inf, dtype=torch.float64, device=device)
        self.first = nothing.clone()
        self.second = nothing
        self.total = torch.zeros(rows, dtype=torch.float64, device=device)
        self.particles = 0

    def add(self, log_w: Tensor) -> None:
        """Adds the log-weights of more particles: [particles, rows]."""
        log_w = log_w.double()
        self.first = torch.logaddexp(self.first, log_w.logsumexp(0))
        self.second = torch.logaddexp(self.second, (2.0 * log_w).logsumexp(0))
        self.total += log_w.sum(0)
        self.particles += len(log_w)

    def log_mean(self) -> Tensor:
        """Log 1/K sum w, for each row."""
        return self.first - math.log(self.particles)

    def mean_log(self) -> Tensor:
        """1/K sum log w, for each row: the evidence lower bound."""
        return self.total / self.particles

    def effective(self) -> Tensor:
        """The effective sample size of each row, between 1 and K; 0 if all weights are 0."""
        some = self.first > -math.inf
        logs = torch.where(some, 2.0 * self.first - self.second, -math.inf)
        return logs.exp().clamp_max(self.particles)
