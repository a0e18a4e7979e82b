"""The posterior of shared latents by a guide: its table, and how far it is to be trusted.

With draws w_s ~ q(w) and weights r_s = p(data | w_s) p(w_s) / q(w_s):

    bound          1/S sum_s log r_s
    log_evidence   log 1/S sum_s r_s, at least the bound
    pareto_k       the shape of the tail of the weights: above 0.7 the guide is too far away from
                   the posterior for the evidence, and its spread is not to be trusted
    loo            the leave-one-out log-density of all rows, with these weights

Yao, Vehtari, Simpson and Gelman 2018, Yes, but did it work?: Evaluating variational inference.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.inference_data import MOST_DENSITIES, arviz, write
from specc.evaluate.leave_one_out import LeaveOneOut, leave_one_out
from specc.evaluate.pareto import UNTRUSTED, Tail
from specc.evaluate.posterior_checks import prior_draws, prior_replicates, replicates
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

    `effective` is the effective number of draws of importance sampling by the guide. `loo` is the
    leave-one-out estimate, and `data` an `InferenceData`, both None without ArviZ.
    """

    rows: tuple[Row, ...]
    draws: int
    bound: float
    log_evidence: float
    pareto_k: float | None
    effective: float
    loo: LeaveOneOut | None = None
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
        elif self.loo is not None and (words := self.loo.warning()):
            yield f"{words}; a guide that is closer to the posterior helps, too"

    def as_json(self) -> dict[str, Any]:
        """The diagnostics for result.json."""
        found: dict[str, Any] = {
            "draws": self.draws,
            "bound": self.bound,
            "log_evidence": self.log_evidence,
            "pareto_k": self.pareto_k,
            "effective_sample_size": self.effective,
            "latents": [row.as_json() for row in self.rows],
            "warnings": list(self.warnings()),
        }
        if self.loo is not None:
            found["loo"] = self.loo.as_json()
        return found


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
        found, kept, batch = _likelihood(loaded, draws, seed)
        log_p = found + draws.log_prior()
        log_w = log_p - draws.log_q
        tail = Tail(len(draws))
        tail.add(log_p[:, None], draws.log_q[:, None])
        shape = tail.shape()
        az, data = _arviz(), None
        if az is not None:
            groups = _compared(loaded, draws, kept, batch)
            data = _inference_data(az, draws, log_p, groups)
            write(data, loaded.folder)
    weights = log_w.softmax(0)
    return GuideDiagnostics(
        rows=tuple(_rows(draws)),
        draws=len(draws),
        bound=log_w.mean().item(),
        log_evidence=log_w.logsumexp(0).item() - math.log(len(draws)),
        pareto_k=None if shape is None else shape.item(),
        effective=1.0 / weights.square().sum().item(),
        loo=None if az is None or kept is None else _left_out(az, log_w, kept),
        data=data,
    )


def _likelihood(
    loaded: LoadedRun, draws: GuideDraws, seed: int
) -> tuple[Tensor, Tensor | None, Batch]:
    """Log p(data | w) of each draw, and that of each row [draws, rows] with the rows.

    None and no rows if the densities of rows are too many, and if rows depend on each other.
    """
    rows = loaded.rows("train", loaded.manifest.observed())
    total = torch.zeros(len(draws), dtype=torch.float64, device=loaded.device)
    coupled = bool(loaded.manifest.coupled)
    keeps = len(draws) * len(rows) <= MOST_DENSITIES and not coupled
    pieces, batches, size = [], [], len(rows) if coupled else BATCH
    for start in range(0, len(rows), size):
        batch = fixed_batch(loaded, rows, slice(start, min(start + size, len(rows))), seed)
        found = draws.log_likelihood(batch)
        total += found.sum(1)
        if keeps:
            pieces.append(found)
            batches.append(batch)
    if not keeps:
        return total, None, {}
    every = {name: torch.cat([own[name] for own in batches]) for name in batches[0]}
    return total, torch.cat(pieces, 1), every


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


def _arviz() -> Any:  # noqa: ANN401 - an optional module
    """The module ArviZ; None if it is not installed."""
    try:
        return arviz()
    except RunFailure:
        return None


def _left_out(az: Any, log_w: Tensor, kept: Tensor) -> LeaveOneOut | None:  # noqa: ANN401
    """The leave-one-out estimate; None if a density is no number."""
    if not (log_w.isfinite().any() and kept.isfinite().all() and not log_w.isnan().any()):
        return None
    return leave_one_out(az, log_w.cpu().numpy(), kept.cpu().numpy())


def _inference_data(
    az: Any,  # noqa: ANN401
    draws: GuideDraws,
    log_p: Tensor,
    groups: Mapping[str, Any],
) -> Any:  # noqa: ANN401
    """The draws as one chain of an `InferenceData`, with other groups."""
    own = {
        "posterior": {n: v.cpu().numpy()[None] for n, v in draws.values.items()},
        "sample_stats": {
            "lp": log_p.cpu().numpy()[None],
            "log_q": draws.log_q.cpu().numpy()[None],
        },
        **groups,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return az.from_dict(**{name: group for name, group in own.items() if group})


def _compared(
    loaded: LoadedRun, draws: GuideDraws, kept: Tensor | None, batch: Batch
) -> dict[str, Any]:
    """What the posterior is compared with, as groups of an `InferenceData`."""
    if kept is None:
        return {"prior": prior_draws(loaded)}
    names = [name for name in loaded.manifest.observed() if name in batch]
    return {
        "log_likelihood": {"rows": kept.cpu().numpy()[None]},
        "observed_data": {name: batch[name].cpu().numpy() for name in names},
        "prior": prior_draws(loaded),
        "prior_predictive": prior_replicates(loaded, batch),
        "posterior_predictive": replicates(loaded, batch, draws),
    }
