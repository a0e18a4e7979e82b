"""Diagnostics of Markov chains, and what they say in words.

    r_hat        rank-normalized split R-hat: above 1.01 the chains do not agree
    ess_bulk     effective draws for the centre of a distribution, ess_tail for its 5 % tails
    mcse         the Monte Carlo standard error of a mean
    e_bfmi       the energy that a new momentum adds, of that which varies: below .3 is too little
    loo          leave-one-out log predictive density by Pareto-smoothed importance sampling

Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021; Betancourt 2016; Vehtari, Gelman and Gabry
2017. ArviZ computes them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.inference_data import arviz, has_energies, inference_data, write
from specc.evaluate.leave_one_out import LeaveOneOut
from specc.evaluate.spread import Spread, of_group

R_HAT = 1.01
FEWEST_DRAWS = 100
"""Effective draws a chain below which a figure is not to be trusted (Vehtari et al. 2021)."""
LEAST_BFMI = 0.3
MOST_LATENTS = 10_000
"""Entries of latents above which they have no quantiles."""

BY_TRAJECTORIES = "a longer warm-up and more draws help, or another form of the model"
BY_MINIBATCHES = (
    "a longer warm-up, more draws and a larger `thinning` help, or another `step_size`: chains "
    "cross the posterior slowly with a small one, and a large one biases them"
)
"""What makes chains agree."""


@dataclass(frozen=True, slots=True)
class Row:
    """The posterior of one number: a latent, or an entry of one.

    `prior` is None if there is no way to draw from it.
    """

    name: str
    mean: float
    sd: float
    mcse: float
    ess_bulk: float
    ess_tail: float
    r_hat: float
    posterior: Spread | None = None
    prior: Spread | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as JSON, with quantiles by their levels: `5%`."""
        keys = ("name", "mean", "sd", "mcse", "ess_bulk", "ess_tail", "r_hat")
        found = {key: getattr(self, key) for key in keys}
        found |= {} if self.posterior is None else self.posterior.levels()
        return found if self.prior is None else {**found, "prior": self.prior.as_json()}


@dataclass(frozen=True, slots=True)
class ChainDiagnostics:
    """The diagnostics of a run of a sampler.

    `rows` has the latents in their order; `e_bfmi` one number for each chain; `loo` the
    leave-one-out estimate, None if the likelihood of rows was not stored. `data` is the
    `InferenceData`. Chains `by_minibatches` do not adapt their step size.
    """

    rows: tuple[Row, ...]
    chains: int
    draws: int
    divergences: int
    deepest: int
    e_bfmi: tuple[float, ...]
    loo: LeaveOneOut | None = None
    data: Any = None
    by_minibatches: bool = False

    def warnings(self) -> Iterator[str]:
        """What should not be trusted, and what usually helps; nothing if all is well."""
        transitions = self.chains * self.draws
        if self.divergences:
            yield (
                f"{self.divergences:,} of {transitions:,} transitions diverged, so a part of the "
                "posterior may be missing: a larger `target_accept` helps, or for a normal node "
                "whose scale is a latent its non-centred form, `loc + scale * e` with e ~ "
                "Normal(0, 1)"
            )
        worst = max(self.rows, key=lambda row: row.r_hat if row.r_hat == row.r_hat else math.inf)
        if not worst.r_hat <= R_HAT:
            advice = BY_MINIBATCHES if self.by_minibatches else BY_TRAJECTORIES
            yield (
                f"the chains do not agree on `{worst.name}` (R-hat {worst.r_hat:.3f}, which should "
                f"be at most {R_HAT}): {advice}"
            )
        least = min(self.rows, key=lambda row: min(row.ess_bulk, row.ess_tail))
        few = min(least.ess_bulk, least.ess_tail)
        if few < FEWEST_DRAWS * self.chains:
            of_tail = least.ess_tail < least.ess_bulk
            part, column = ("tails", "ess_tail") if of_tail else ("centre", "ess_bulk")
            yield (
                f"for the {part} of `{least.name}` the draws are worth {few:.0f} independent ones "
                f"({column}), and {FEWEST_DRAWS} for each chain are needed for these diagnostics: "
                "make more draws"
                f"{', or set a larger `thinning`' if self.by_minibatches else ''}"
            )
        if self.deepest:
            yield (
                f"{self.deepest:,} of {transitions:,} trajectories reached the largest depth and "
                "were cut: the chains move slowly; `metric: dense`, or scales of the data near 1, "
                "help"
            )
        if self.e_bfmi and min(self.e_bfmi) < LEAST_BFMI:
            yield (
                f"E-BFMI is {min(self.e_bfmi):.2f} in a chain; below {LEAST_BFMI} the tails are "
                "explored slowly: heavy tails or a hierarchy in its centred form are usual causes"
            )
        if self.loo is not None and (words := self.loo.warning()):
            yield words

    def as_json(self) -> dict[str, Any]:
        """The diagnostics for result.json."""
        found: dict[str, Any] = {
            "chains": self.chains,
            "draws": self.draws,
            "divergences": self.divergences,
            "e_bfmi": list(self.e_bfmi),
            "latents": [row.as_json() for row in self.rows],
            "warnings": list(self.warnings()),
        }
        if self.loo is not None:
            found["loo"] = self.loo.as_json()
        return found


def diagnose(loaded: LoadedRun) -> ChainDiagnostics:
    """Computes the diagnostics of a run, and writes its draws as an `InferenceData`.

    Raises RunFailure: E0802 without draws, E0811 if the file cannot be written, E0828 without
    ArviZ.
    """
    az, sampler = arviz(), loaded.manifest.sampler
    assert sampler is not None
    data = inference_data(loaded)
    write(data, loaded.folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = az.summary(data, kind="all", round_to="none")
        loo = az.loo(data, pointwise=True) if "log_likelihood" in data.groups() else None
        energies = tuple(map(float, az.bfmi(data))) if has_energies(data) else ()
    stats = data.sample_stats
    spread, prior = (of_group(data, group, MOST_LATENTS) for group in ("posterior", "prior"))
    depth = sampler.options.get("max_tree_depth")
    rows = (
        Row(
            str(name),
            float(own["mean"]),
            float(own["sd"]),
            float(own["mcse_mean"]),
            float(own["ess_bulk"]),
            float(own["ess_tail"]),
            float(own["r_hat"]),
            spread.get(str(name)),
            prior.get(str(name)),
        )
        for name, own in table.iterrows()
    )
    return ChainDiagnostics(
        rows=tuple(rows),
        chains=int(data.posterior.sizes["chain"]),
        draws=int(data.posterior.sizes["draw"]),
        divergences=int(stats.diverging.sum()),
        deepest=0 if depth is None else int((stats.tree_depth >= depth).sum()),
        e_bfmi=energies,
        loo=None if loo is None else LeaveOneOut.of_arviz(loo),
        data=data,
        by_minibatches="thinning" in sampler.options,
    )
