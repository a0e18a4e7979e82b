"""Log-likelihoods of held-out data: exact values or bounds, with their standard errors.

`scoring` computes the values of single rows; this module summarizes them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.energies.log_z import LogZ
from specc.evaluate.pareto import UNTRUSTED
from specc.evaluate.posterior_annealing import Simulated
from specc.evaluate.scoring import Advance, Request, Scored, progress_between, scoring
from specc.evaluate.units import converts, log_scale

ANNEALED_ROWS = "a lower bound on average, by chains over the latents of each row"
"""What log p of rows by annealing of their latents is."""

Z_SHARE = 0.9
"""The share of the progress that log Z takes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log-likelihood in nats per row, with the standard error of its mean over rows.

    Attributes:
        request: The estimator, the particles and the rows.
        of: The density, such as `log p(x)`.
        estimator: The estimator that was used.
        value: The mean over rows.
        standard_error: Its standard error; nan for one row, and if rows depend on each other,
            which is None in `summary`. It includes that of log Z.
        rows: The number of rows.
        particles: The number of particles, or of chains; 1 for an exact value.
        effective: The mean effective sample size; None for an exact value.
        untrusted: The fraction of rows whose weights have a Pareto shape above 0.7; None for an
            exact value and for fewer than 25 particles.
        seconds: The time of the computation.
        values: The values of single rows, [rows].
        steps: The number of steps of each row, if rows are sequences.
        log_scale: The value minus the value in the units of the data, if data are transformed.
        log_z: Log Z of a program with an energy.
        statement: What an annealed value is: exact, an estimate or a bound.
        simulated: Both directions of annealing on rows of the model, if they were requested.
        impossible: Whether the value is a log-probability above 0, as when log Z is too small.

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
    log_z: LogZ | None = None
    statement: str | None = None
    simulated: Simulated | None = None
    impossible: bool = False

    def summary(self) -> dict[str, Any]:
        """The estimate as JSON."""
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
            **self._normalizer(),
            **({"impossible": True} if self.impossible else {}),
        }

    def _normalizer(self) -> dict[str, Any]:
        """Log Z, the statement and the simulated rows of annealing."""
        if self.log_z is not None:
            return {"statement": self.statement, "log_z": self.log_z.summary()}
        if self.statement is None:
            return {}
        counts = {"temperatures": self.request.temperatures}
        found = {} if self.simulated is None else {"simulated": self.simulated.summary()}
        return {"statement": self.statement, **counts, **found}

    def _per_step(self) -> dict[str, float | None]:
        """The ratio of the sums of values and of steps, with the standard error of the ratio."""
        if self.steps is None or not self.steps.sum():
            return {}
        ratio = self.values.sum() / self.steps.sum()
        error = None
        if self.rows > 1:
            rest = (self.values - ratio * self.steps).std() / self.steps.mean()
            error = rest.item() / self.rows**0.5
        return {"value_per_step": ratio.item(), "standard_error_per_step": error}


def estimate(loaded: LoadedRun, request: Request, advance: Advance = lambda done: None) -> Estimate:
    """The estimate of a request.

    Raises RunFailure: E0509 if the data has no such part, E0813 if the program does not allow the
    estimate.
    """
    began = time.monotonic()
    with scoring(loaded, request) as scorer:
        scored, steps, scales = [], [], []
        density, rest = scorer.density or scorer.top, advance
        if density is not None and density.by_row is None:
            density.log_z(progress_between(advance, 0.0, Z_SHARE))
            rest = progress_between(advance, Z_SHARE, 1.0)
        for at, rows, own in scorer.batches(rest):
            scored.append(scorer.score(rows, at, own))
            steps.append(_steps(loaded, rows))
            scales.append(torch.as_tensor(log_scale(loaded, rows)))
        values = torch.cat([piece.values for piece in scored]).cpu()
        limit, simulated = scorer.limit, None
        if scorer.annealing is not None and request.direction != "forward":
            simulated = scorer.simulated(lambda done: None)
        log_z = None if density is None else density.log_z()
        statement = None if density is None else density.statement()
        if scorer.annealing is not None:
            statement = ANNEALED_ROWS
    return Estimate(
        request=request,
        of=loaded.manifest.likelihood(),
        estimator=scorer.estimator,
        value=values.mean().item(),
        standard_error=math.nan if loaded.manifest.coupled else _standard_error(values, log_z),
        rows=limit,
        particles=scorer.particles,
        effective=_effective(scored) if log_z is None or scorer.top else log_z.effective,
        untrusted=_untrusted(scored),
        seconds=time.monotonic() - began,
        values=values,
        steps=torch.cat([s for s in steps if s is not None]) if steps[0] is not None else None,
        log_scale=torch.cat(scales).mean().item() if converts(loaded) else None,
        log_z=log_z,
        statement=statement,
        simulated=simulated,
        impossible=bool(values.mean() > 0) and _has_probabilities(loaded),
    )


def _has_probabilities(loaded: LoadedRun) -> bool:
    """Whether all observed nodes have discrete values, so that log p is at most 0."""
    fields = {} if loaded.manifest.data is None else loaded.manifest.data.fields
    seen = [fields[name].support for name in loaded.manifest.observed() if name in fields]
    return bool(seen) and all(support.is_discrete for support in seen)


def _standard_error(values: Tensor, log_z: LogZ | None) -> float:
    """That of the mean over rows, and of log Z, which all rows share and which is independent."""
    if len(values) < 2:
        return float("nan")
    of_z = 0.0 if log_z is None else log_z.standard_error
    return math.hypot(values.std().item() / len(values) ** 0.5, of_z)


def _steps(loaded: LoadedRun, rows: Batch) -> Tensor | None:
    """The number of steps of each row; None if rows are not sequences."""
    found = loaded.manifest.steps
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
    """The fraction of rows whose weights have a heavy tail."""
    known = [piece.shapes for piece in scored if piece.shapes is not None]
    return (torch.cat(known) > UNTRUSTED).double().mean().item() if known else None
