"""How probable held-out data is under a program: exactly, or by a bound with its error.

The values of single rows are those of `scoring`; here is their mean, and how far to trust it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.evaluate.pareto import UNTRUSTED
from specc.evaluate.scoring import Advance, Request, Scored, scoring
from specc.evaluate.units import scale_of


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log-likelihood in nats a row, with the standard error of its mean over rows.

    The error is nan where there is one row, and None in `summary`. `effective` is the mean
    effective sample size of the particles, `untrusted` the share of rows whose weights have a
    Pareto shape above 0.7; both are None for an exact value, the latter also for fewer than 25
    particles. `of` is what it is of, such as `log p(x)`; `values` are those of the single rows.
    Where rows are sequences, `steps` says how many steps each has. Where data are standardized, so
    is the figure, and `log_scale` is what it is higher by than in the units of the data.
    """

    request: Request
    of: str
    estimator: str
    value: float
    standard_error: float
    rows: int
    particles: int
    effective: float | None
    untrusted: float | None
    seconds: float
    values: Tensor
    steps: Tensor | None = None
    log_scale: float | None = None

    def summary(self) -> dict[str, float | int | str | None]:
        """The figure as JSON."""
        return {
            "of": self.of,
            "estimator": self.estimator,
            "data": self.request.part,
            "rows": self.rows,
            "particles": self.particles,
            "value": self.value,
            "standard_error": None if math.isnan(self.standard_error) else self.standard_error,
            "effective_sample_size": self.effective,
            "pareto_k_above_0.7": self.untrusted,
            "seconds": round(self.seconds, 3),
            **self._per_step(),
            **({} if self.log_scale is None else {"log_scale": self.log_scale}),
        }

    def _per_step(self) -> dict[str, float | None]:
        """The sum over rows over that of their steps, with the standard error of such a ratio."""
        if self.steps is None or not self.steps.sum():
            return {}
        ratio = self.values.sum() / self.steps.sum()
        error = None
        if self.rows > 1:
            rest = (self.values - ratio * self.steps).std() / self.steps.mean()
            error = rest.item() / self.rows**0.5
        return {"value_per_step": ratio.item(), "standard_error_per_step": error}


def estimate(opened: OpenRun, request: Request, advance: Advance = lambda done: None) -> Estimate:
    """The figure that is asked for, of an open run.

    Raises RunFailure E0509 where the data has no such part, E0813 where the program allows no such
    estimate.
    """
    began = time.monotonic()
    with scoring(opened, request) as scorer:
        scored, steps = [], []
        for at, rows, own in scorer.batches(advance):
            scored.append(scorer.score(rows, at, own))
            steps.append(_steps(opened, rows))
        values = torch.cat([piece.values for piece in scored]).cpu()
        limit = scorer.limit
    return Estimate(
        request=request,
        of=opened.manifest.likelihood(),
        estimator=scorer.estimator,
        value=values.mean().item(),
        standard_error=values.std().item() / limit**0.5 if limit > 1 else float("nan"),
        rows=limit,
        particles=scorer.particles,
        effective=_effective(scored),
        untrusted=_untrusted(scored),
        seconds=time.monotonic() - began,
        values=values,
        steps=torch.cat([s for s in steps if s is not None]) if steps[0] is not None else None,
        log_scale=scale_of(opened),
    )


def _steps(opened: OpenRun, rows: Batch) -> Tensor | None:
    """How many steps each row has; None where rows are no sequences."""
    found = opened.manifest.steps
    if found is None:
        return None
    if found.lengths is not None:
        return rows[found.lengths].double().cpu()
    count = len(next(iter(rows.values())))
    return torch.full((count,), float(found.count), dtype=torch.float64)


def _effective(scored: Sequence[Scored]) -> float | None:
    """The mean effective sample size."""
    known = [piece.effective for piece in scored if piece.effective is not None]
    return torch.cat(known).mean().item() if known else None


def _untrusted(scored: Sequence[Scored]) -> float | None:
    """The share of rows whose weights have a heavy tail."""
    known = [piece.shapes for piece in scored if piece.shapes is not None]
    return (torch.cat(known) > UNTRUSTED).double().mean().item() if known else None
