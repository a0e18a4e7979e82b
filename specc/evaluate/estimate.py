"""How probable held-out data is under a program: exactly, or by a bound with its error.

The values of single rows are those of `scoring`; here is their mean, and how far to trust it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.engine.opened import OpenRun
from specc.evaluate.pareto import UNTRUSTED
from specc.evaluate.scoring import Advance, Request, Scored, scoring


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log-likelihood in nats a row, with the standard error of its mean over rows.

    `effective` is the mean effective sample size of the particles, `untrusted` the share of rows
    whose weights have a Pareto shape above 0.7; both are None for an exact value, the latter also
    for fewer than 25 particles. `of` is what it is of, such as `log p(x)`; `values` are those of
    the single rows.
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

    def summary(self) -> dict[str, float | int | str | None]:
        """The figure as JSON."""
        return {
            "of": self.of,
            "estimator": self.estimator,
            "data": self.request.part,
            "rows": self.rows,
            "particles": self.particles,
            "value": self.value,
            "standard_error": self.standard_error,
            "effective_sample_size": self.effective,
            "pareto_k_above_0.7": self.untrusted,
            "seconds": round(self.seconds, 3),
        }


def estimate(opened: OpenRun, request: Request, advance: Advance = lambda done: None) -> Estimate:
    """The figure that is asked for, of an open run.

    Raises RunFailure E0509 where the data has no such part, E0813 where the program allows no such
    estimate.
    """
    began = time.monotonic()
    with scoring(opened, request) as scorer:
        scored = [scorer.score(rows, at, own) for at, rows, own in scorer.batches(advance)]
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
    )


def _effective(scored: Sequence[Scored]) -> float | None:
    """The mean effective sample size."""
    known = [piece.effective for piece in scored if piece.effective is not None]
    return torch.cat(known).mean().item() if known else None


def _untrusted(scored: Sequence[Scored]) -> float | None:
    """The share of rows whose weights have a heavy tail."""
    known = [piece.shapes for piece in scored if piece.shapes is not None]
    return (torch.cat(known) > UNTRUSTED).double().mean().item() if known else None
