"""The posterior of shared latents by a guide: its table, and how far it is to be trusted.

With draws w_s ~ q(w) and weights r_s = p(data | w_s) p(w_s) / q(w_s):

    bound          1/S sum_s log r_s
    log_evidence   log 1/S sum_s r_s, at least the bound
    pareto_k       the shape of the tail of the weights: above 0.7 the guide is too far away from
                   the posterior for the evidence, and its spread is not to be trusted

Yao, Vehtari, Simpson and Gelman 2018, Yes, but did it work?: Evaluating variational inference.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.inference_data import MOST_DENSITIES, arviz, write
from specc.evaluate.pareto import UNTRUSTED, Tail
from specc.evaluate.scoring import fixed_batch
from specc.runtime.failure import RunFailure

DRAWS = 1000
BATCH = 4096
"""Rows whose densities are computed together."""

MOST_ROWS = 10_000
"""Entries of latents above which they are left out of the table."""

QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Row:
    """The posterior of one number under the guide: a latent, or an entry of one."""

    name: str
    mean: float
    sd: float
    quantiles: tuple[float, ...]

    def as_json(self) -> dict[str, float | str]:
        """The row as JSON, with quantiles by their levels: `5%`."""
        levels = (f"{100 * level:g}%" for level in QUANTILES)
        named = dict(zip(levels, self.quantiles, strict=True))
        return {"name": self.name, "mean": self.mean, "sd": self.sd, **named}


@dataclass(frozen=True, slots=True)
class GuideDiagnostics:
    """What a guide says of shared latents, in nats for all training rows together.

    `effective` is the effective number of draws of importance sampling by the guide. `data` is an
    `InferenceData`, None without ArviZ.
    """

    rows: tuple[Row, ...]
    draws: int
    bound: float
    log_evidence: float
    pareto_k: float | None
    effective: float
    data: Any = None

    def warnings(self) -> Iterator[str]:
        """What should not be trusted, and what usually helps; nothing if all is well."""
        k = self.pareto_k
        if k is not None and not k <= UNTRUSTED:
            shown = f"{k:.2f}" if math.isfinite(k) else "infinite"
            yield (
                f"the guide is not close to the posterior (Pareto k {shown}, above {UNTRUSTED}): "
                "means are usually right, and standard deviations too small; a guide with "
                "correlations (`multivariate_normal`, `low_rank`), a flow (`iaf`), more epochs, or "
                "`sampler: nuts` help"
            )

    def as_json(self) -> dict[str, Any]:
        """The diagnostics for result.json."""
        return {
            "draws": self.draws,
            "bound": self.bound,
            "log_evidence": self.log_evidence,
            "pareto_k": self.pareto_k,
            "effective_sample_size": self.effective,
            "latents": [row.as_json() for row in self.rows],
            "warnings": list(self.warnings()),
        }


def diagnose_guide(loaded: LoadedRun, count: int = DRAWS, seed: int = 0) -> GuideDiagnostics | None:
    """Draws from the guide, compares it with the posterior, and writes an `InferenceData`.

    None if the guide does not draw shared latents, or rows have latents of their own. Without ArviZ
    nothing is written. Raises RunFailure E0811 if the file cannot be written.
    """
    with loaded.computing(), torch.no_grad():
        loaded.program.eval()
        draws = GuideDraws.of(loaded, count, seed)
        if draws is None:
            return None
        found, kept = _likelihood(loaded, draws, seed)
        log_p = found + draws.log_prior()
        log_w = log_p - draws.log_q
        tail = Tail(len(draws))
        tail.add(log_p[:, None], draws.log_q[:, None])
        shape = tail.shape()
        data = _inference_data(draws, log_w, kept)
    if data is not None:
        write(data, loaded.folder)
    weights = log_w.softmax(0)
    return GuideDiagnostics(
        rows=tuple(_rows(draws)),
        draws=len(draws),
        bound=log_w.mean().item(),
        log_evidence=log_w.logsumexp(0).item() - math.log(len(draws)),
        pareto_k=None if shape is None else shape.item(),
        effective=1.0 / weights.square().sum().item(),
        data=data,
    )


def _likelihood(loaded: LoadedRun, draws: GuideDraws, seed: int) -> tuple[Tensor, Tensor | None]:
    """Log p(data | w) of each draw, and that of each row [draws, rows], None if it is too large."""
    rows = loaded.rows("train", loaded.manifest.observed())
    total = torch.zeros(len(draws), dtype=torch.float64, device=loaded.device)
    keeps = len(draws) * len(rows) <= MOST_DENSITIES
    pieces = []
    for start in range(0, len(rows), BATCH):
        batch = fixed_batch(loaded, rows, slice(start, min(start + BATCH, len(rows))), seed)
        found = draws.log_likelihood(batch)
        total += found.sum(1)
        if keeps:
            pieces.append(found)
    return total, torch.cat(pieces, 1) if keeps else None


def _rows(draws: GuideDraws) -> Iterator[Row]:
    """The table: a row for each number of the latents, of those that are not too large."""
    left = MOST_ROWS
    for name, value in draws.values.items():
        shape = value.shape[1:]
        left -= math.prod(shape)
        if left < 0:
            return
        own = value.double().reshape(len(value), -1).cpu().numpy()
        levels = np.quantile(own, QUANTILES, axis=0)
        for number, index in enumerate(np.ndindex(*shape)):
            label = f"{name}[{', '.join(map(str, index))}]" if index else name
            column = own[:, number]
            quantiles = tuple(float(each) for each in levels[:, number])
            yield Row(label, float(column.mean()), float(column.std(ddof=1)), quantiles)


def _inference_data(draws: GuideDraws, log_w: Tensor, kept: Tensor | None) -> Any:  # noqa: ANN401
    """The draws as one chain of an `InferenceData`; None if ArviZ is not installed."""
    try:
        az = arviz()
    except RunFailure:
        return None
    groups: dict[str, Any] = {
        "posterior": {n: v.cpu().numpy()[None] for n, v in draws.values.items()},
        "sample_stats": {
            "lp": (log_w + draws.log_q).cpu().numpy()[None],
            "log_q": draws.log_q.cpu().numpy()[None],
        },
    }
    if kept is not None:
        groups["log_likelihood"] = {"rows": kept.cpu().numpy()[None]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return az.from_dict(**groups)
