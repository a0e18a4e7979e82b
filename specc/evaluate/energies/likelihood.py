"""Log-likelihoods of rows under an energy: log p(v) = log base(v) - F(v) - log Z.

    -F(v) = log sum_h exp(-E(v, h))

is exact if the latent units h sum out in closed form or have few states; otherwise mean field
bounds it, or annealed importance sampling with v held fixed estimates it for each row. The base
measure is that of counts, see `specc.runtime.exponential_families`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.evaluate.energies import annealing, enumeration
from specc.evaluate.energies.log_z import Annealing
from specc.evaluate.energies.mean_field import lower_bound
from specc.evaluate.energies.model import EnergyModel, Values, rows_of
from specc.evaluate.energies.path import Path, neutral_base, summable
from specc.runtime.energies import Energy
from specc.runtime.exponential_families import Family
from specc.runtime.noise import Noise

MOST_STATES_OF_A_ROW = 1 << 16
"""The most states of latents that are enumerated for each row."""


@dataclass(frozen=True, slots=True)
class Unnormalized:
    """Log base(v) - F(v) of each row: [rows] in float64.

    `standard_error` is that of each row, and `effective` the effective sample size of its chains;
    they are None if the values are exact, or a bound by mean field.
    """

    values: Tensor
    standard_error: Tensor | None = None
    effective: Tensor | None = None


def is_exact(declared: Energy, families: Mapping[str, Family]) -> bool:
    """Whether -F of a row is exact."""
    return states_of_row(declared, families) <= math.log2(MOST_STATES_OF_A_ROW)


def states_of_row(declared: Energy, families: Mapping[str, Family]) -> float:
    """The log2 of the number of states of latents that are enumerated for each row."""
    observed = tuple(name for name, unit in declared.units.items() if unit.role == "observed")
    if declared.free_energy is not None or len(observed) == len(declared.units):
        return 0.0
    return enumeration.fewest_states(declared, families, observed)[1]


def unnormalized(model: EnergyModel, rows: Values, options: Annealing, at: int = 0) -> Unnormalized:
    """Log base(v) - F(v) of rows; `at` is the number of the first, on which draws depend."""
    with torch.inference_mode():
        model = model.bound(rows)
        base = sum(model.families[n].log_base(rows[n].double()) for n in model.observed)
        if model.declared.free_energy is not None:
            return Unnormalized(base - model.free_energy(rows).double())
        if not model.latents:
            return Unnormalized(base - model.energy(rows).double())
        if is_exact(model.declared, model.families):
            return Unnormalized(base + _enumerated(model, rows))
        if options.latents == "mean_field":
            return Unnormalized(base + lower_bound(model, rows).double())
        found = _annealed(model, rows, options, at)
        return Unnormalized(base + found.value, found.standard_error, found.effective)


def _enumerated(model: EnergyModel, rows: Values) -> Tensor:
    """The sum over all states of the latents."""
    summed, _ = enumeration.fewest_states(model.declared, model.families, model.observed)
    exact = model.in_float64()
    return enumeration.log_sum(Path(exact, neutral_base(exact), summed, exact.held(rows)))


def _annealed(model: EnergyModel, rows: Values, options: Annealing, at: int) -> annealing.LogMean:
    """Annealed importance sampling of the latents of each row, with chains of its own."""
    count, chains = rows_of(rows), options.chains
    held = {name: value.repeat_interleave(chains, 0) for name, value in model.held(rows).items()}
    summed = max(summable(model.declared, model.observed), key=model.entries)
    path = Path(model, neutral_base(model), summed, held)
    like = model.like
    noise = Noise.at(options.seed, 3, at, device=like.device, dtype=like.dtype)
    betas = annealing.temperatures(options.temperatures)
    found = annealing.forward(path, count * chains, betas, noise)
    return annealing.log_mean(found.log_weights.reshape(count, chains))
