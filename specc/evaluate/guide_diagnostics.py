"""The posterior of shared latents by a guide: its table, and how far it is to be trusted.

With draws w_s ~ q(w) and weights r_s = p(data | w_s) p(w_s) / q(w_s):

    bound          1/S sum_s log r_s
    log_evidence   log 1/S sum_s r_s, at least the bound
    pareto_k       the shape of the tail of the weights: above 0.7 the guide is too far away from
                   the posterior for the evidence, and its spread is not to be trusted
    loo            the leave-one-out log-density of all rows, with these weights

p(data | w) is an estimate if rows have latents of their own (`specc.evaluate.guide_likelihood`).

Yao, Vehtari, Simpson and Gelman 2018, Yes, but did it work?: Evaluating variational inference.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.guide_likelihood import RowLikelihood, likelihood
from specc.evaluate.inference_data import arviz, named, write
from specc.evaluate.leave_one_out import LeaveOneOut, leave_one_out
from specc.evaluate.pareto import UNTRUSTED, Tail
from specc.evaluate.posterior_checks import Arrays, prior_draws, prior_replicates, replicates
from specc.evaluate.spread import Spread, frequencies, spreads
from specc.runtime.failure import RunFailure

DRAWS = 1000

OF_NUMBERS = (
    "means are usually right, and standard deviations too small; a guide with correlations "
    "(`multivariate_normal`, `low_rank`), a flow (`iaf`), more epochs, or `sampler: nuts` help"
)
OF_CLASSES = (
    "probabilities are usually too close to 0 and 1; more epochs help, or a guide in which latents "
    "depend on each other"
)
"""What a guide that is far away gets wrong, and what helps."""

MOST_ROWS = 10_000
"""Entries of latents above which they are left out of the table."""


@dataclass(frozen=True, slots=True)
class Row:
    """The posterior of one number under the guide: a latent, or an entry of one.

    `prior` is None if there is no way to draw from it.
    """

    name: str
    posterior: Spread
    prior: Spread | None = None

    @property
    def mean(self) -> float:
        """The mean of the posterior."""
        return self.posterior.mean

    @property
    def sd(self) -> float:
        """The standard deviation of the posterior."""
        return self.posterior.sd

    def as_json(self) -> dict[str, Any]:
        """The row as JSON, with quantiles by their levels: `5%`."""
        found: dict[str, Any] = {"name": self.name, **self.posterior.as_json()}
        return found if self.prior is None else {**found, "prior": self.prior.as_json()}


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of draws of a guide, in nats for all training rows together.

    `effective` is the effective number of draws of importance sampling by the guide. `particles`
    are the draws of the latents of each row for each draw of shared ones, 0 if rows have none.
    `loo` is the leave-one-out estimate, None without ArviZ. `has_numbers` says whether the guide
    draws real numbers, and not classes and counts alone.
    """

    draws: int
    bound: float
    log_evidence: float
    pareto_k: float | None
    effective: float
    particles: int = 0
    loo: LeaveOneOut | None = None
    has_numbers: bool = True

    def warnings(self) -> Iterator[str]:
        """What should not be trusted, and what usually helps; nothing if all is well."""
        k = self.pareto_k
        if k is not None and not k <= UNTRUSTED:
            shown = f"{k:.2f}" if math.isfinite(k) else "infinite"
            whose = ", of shared latents and of those of rows together," if self.particles else ""
            far = (
                f"the guide{whose} is not close to the posterior (Pareto k {shown}, above "
                f"{UNTRUSTED})"
            )
            yield f"{far}: {OF_NUMBERS if self.has_numbers else OF_CLASSES}"
        elif self.loo is not None and (words := self.loo.warning()):
            yield f"{words}; a guide that is closer to the posterior helps, too"

    def as_json(self) -> dict[str, Any]:
        """The figures for result.json."""
        found: dict[str, Any] = {
            "weighted_draws": self.draws,
            "bound": self.bound,
            "log_evidence": self.log_evidence,
            "pareto_k": self.pareto_k,
            "effective_sample_size": self.effective,
        }
        if self.particles:
            found["particles"] = self.particles
        return found if self.loo is None else {**found, "loo": self.loo.as_json()}


@dataclass(frozen=True, slots=True)
class GuideDiagnostics:
    """What a guide says of shared latents.

    `rows` has the numbers of continuous latents; `values` the fraction of draws with each value of
    those of discrete ones, whose mean says little. `weights` is None if the guide does not draw all
    latents, or if they take too long. `data` is an `InferenceData`, None without ArviZ.
    """

    rows: tuple[Row, ...]
    draws: int
    weights: Weights | None = None
    data: Any = None
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def warnings(self) -> Iterator[str]:
        """What should not be trusted, and what usually helps; nothing if all is well."""
        return iter(()) if self.weights is None else self.weights.warnings()

    def as_json(self) -> dict[str, Any]:
        """The diagnostics for result.json."""
        return {
            "draws": self.draws,
            **({} if self.weights is None else self.weights.as_json()),
            "latents": [row.as_json() for row in self.rows],
            **({"values": self.values} if self.values else {}),
            "warnings": list(self.warnings()),
        }


def diagnose_guide(loaded: LoadedRun, count: int = DRAWS, seed: int = 0) -> GuideDiagnostics | None:
    """Draws from the guide, compares it with the posterior, and writes an `InferenceData`.

    None if the guide does not draw shared latents. Without ArviZ nothing is written. Raises
    RunFailure E0811 if the file cannot be written.
    """
    with loaded.computing(), torch.no_grad():
        loaded.program.eval()
        draws = GuideDraws.of(loaded, count, seed)
        if draws is None:
            return None
        found, log_prior = likelihood(loaded, draws, seed), draws.log_prior()
        prior, az, data = prior_draws(loaded), _arviz(), None
        if az is not None:
            log_p = None if found is None else found.total + log_prior[: len(found.total)]
            groups = {"prior": prior, **_compared(loaded, draws, found)}
            data = _inference_data(az, loaded, draws, log_p, groups)
            write(data, loaded.folder)
    nodes, rename = loaded.manifest.nodes["model"], loaded.manifest.named_as_in_spec
    before = dict(spreads(rename({name: own[0] for name, own in prior.items()}), MOST_ROWS))
    own = {name: value.cpu().numpy() for name, value in draws.values.items()}
    whole = {name for name in own if name in nodes and nodes[name].is_discrete}
    discrete = rename({name: value for name, value in own.items() if name in whole})
    own = rename({name: value for name, value in own.items() if name not in whole})
    weights = None
    if found is not None:
        weights = replace(_weights(az, found, log_prior, draws.log_q), has_numbers=bool(own))
    return GuideDiagnostics(
        rows=tuple(Row(n, each, before.get(n)) for n, each in spreads(own, MOST_ROWS)),
        draws=len(draws),
        weights=weights,
        data=data,
        values=dict(frequencies(discrete, MOST_ROWS)),
    )


def _weights(
    az: Any,  # noqa: ANN401 - the module ArviZ, or None
    found: RowLikelihood,
    log_prior: Tensor,
    log_q: Tensor,
) -> Weights:
    """The figures of the weights of those draws that have a likelihood."""
    count = len(found.total)
    log_p, log_q = found.total + log_prior[:count], log_q[:count]
    log_w, tail = log_p - log_q, Tail(count)
    tail.add(log_p[:, None], log_q[:, None])
    shape, weights, rows = tail.shape(), log_w.softmax(0), found.of_rows
    return Weights(
        draws=count,
        bound=log_w.mean().item(),
        log_evidence=log_w.logsumexp(0).item() - math.log(count),
        pareto_k=None if shape is None else shape.item(),
        effective=1.0 / weights.square().sum().item(),
        particles=found.particles,
        loo=None if az is None or rows is None else _left_out(az, log_w, rows),
    )


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
    loaded: LoadedRun,
    draws: GuideDraws,
    log_p: Tensor | None,
    groups: Mapping[str, Any],
) -> Any:  # noqa: ANN401
    """The draws as one chain of an `InferenceData`, with other groups.

    Draws without a likelihood are left out of `log_p`, which is NaN there.
    """
    statistics = {"log_q": draws.log_q}
    if log_p is not None:
        statistics["lp"] = torch.full_like(draws.log_q, torch.nan)
        statistics["lp"][: len(log_p)] = log_p
    own = {
        "posterior": {n: v.cpu().numpy()[None] for n, v in draws.values.items()},
        "sample_stats": {name: value.cpu().numpy()[None] for name, value in statistics.items()},
        **groups,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return az.from_dict(**named(loaded, own))


def _compared(
    loaded: LoadedRun, draws: GuideDraws, found: RowLikelihood | None
) -> dict[str, Arrays]:
    """What the data are compared with, as groups of an `InferenceData`."""
    if found is None or found.of_rows is None:
        return {}
    batch, groups = found.rows, {}
    if len(found.total) == len(draws):
        groups["log_likelihood"] = {"rows": found.of_rows.cpu().numpy()[None]}
    names = [name for name in loaded.manifest.observed() if name in batch]
    return {
        **groups,
        "observed_data": {name: batch[name].cpu().numpy() for name in names},
        "prior_predictive": prior_replicates(loaded, batch),
        "posterior_predictive": replicates(loaded, batch, draws),
    }
