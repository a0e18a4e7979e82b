"""The draws of a sampler as an `InferenceData` of ArviZ, beside the run.

    posterior        the latents, [chain, draw, *shape]
    sample_stats     log-density, energy, acceptance, step size, depth and divergences
    log_likelihood   log p(x | w) of each row of the training data, [chain, draw, row]; p(x | w, z)
                     if z, a latent of each row, is drawn too
    observed_data    the training rows
    prior, prior_predictive, posterior_predictive    see `posterior_checks`

ArviZ is an optional dependency: `pip install specc[bayes]`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.samplers.draws import Draws, require_arviz
from specc.engine.samplers.log_density import Coordinates
from specc.engine.samplers.target import training_rows
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.posterior_checks import (
    REPLICATES,
    prior_draws,
    prior_replicates,
    replicates,
)
from specc.evaluate.posterior_draws import DENSITY, LIKELIHOOD, PosteriorDraws
from specc.runtime.failure import RunFailure

FILE = "posterior.nc"

MOST_DENSITIES = 20_000_000
"""Entries of `log_likelihood` above which it is left out."""


def arviz() -> Any:  # noqa: ANN401 - an optional module
    """The module `arviz`; raises RunFailure E0828 if it is not installed."""
    require_arviz()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz as module
    return module


def inference_data(loaded: LoadedRun) -> Any:  # noqa: ANN401 - an InferenceData
    """The draws of a run; raises RunFailure E0802 without draws, E0828 without ArviZ."""
    az, manifest, sampler = arviz(), loaded.manifest, loaded.manifest.sampler
    assert sampler is not None
    draws = Draws.read(loaded.folder)
    chains, count = draws.positions.shape[0], draws.done
    positions = np.array(draws.positions[:, :count]).reshape(-1, draws.size)
    coordinates = Coordinates(loaded.program, sampler.latents)
    inside = torch.as_tensor(positions).to(next(loaded.program.parameters()))
    with loaded.computing():
        values = {
            name: value.cpu().numpy().reshape(chains, count, *value.shape[1:])
            for name, value in manifest.named_as_arguments(coordinates.values(inside)).items()
        }
        groups: dict[str, Any] = {"posterior": values, "sample_stats": _statistics(draws, count)}
        if len(positions) * len(loaded.rows("train")) <= MOST_DENSITIES:
            batch = training_rows(loaded)
            can = loaded.program.can(DENSITY) or loaded.program.can(LIKELIHOOD)
            if can and not loaded.manifest.coupled:
                found = _log_likelihood(coordinates, inside, batch)
                groups["log_likelihood"] = {"rows": found.reshape(chains, count, -1)}
            observed = {name: batch[name].cpu().numpy() for name in loaded.manifest.observed()}
            groups["observed_data"] = observed
            groups["prior_predictive"] = prior_replicates(loaded, batch)
            posterior = PosteriorDraws.of(loaded, REPLICATES)
            assert posterior is not None
            groups["posterior_predictive"] = replicates(loaded, batch, posterior)
        groups["prior"] = prior_draws(loaded)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_rows = manifest.named_as_arguments({name: ["row"] for name in sampler.rows})
        dims = manifest.named_as_in_spec(of_rows)
        return az.from_dict(**named(loaded, groups), dims=dims)


def named(loaded: LoadedRun, groups: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The groups that are not empty, with the nodes of the model by their names in the spec."""
    of_draws = {"sample_stats", "log_likelihood"}
    rename = loaded.manifest.named_as_in_spec
    return {n: dict(own) if n in of_draws else rename(own) for n, own in groups.items() if own}


def _statistics(draws: Draws, count: int) -> dict[str, Any]:
    """The statistics of the transitions after the warm-up, by their names in ArviZ."""
    own = draws.statistics[:, draws.warmup : draws.warmup + count]
    names = {
        "lp": "log_density",
        "energy": "energy",
        "acceptance_rate": "acceptance",
        "step_size": "step_size",
        "tree_depth": "depth",
        "n_steps": "leapfrogs",
        "diverging": "divergent",
    }
    found = {name: np.array(own[key]) for name, key in names.items()}
    if found["n_steps"].any() and not found["tree_depth"].any():
        del found["tree_depth"]  # a sampler without trees
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def has_energies(data: Any) -> bool:  # noqa: ANN401 - an InferenceData
    """Whether the transitions have energies, as those of trajectories do."""
    return "energy" in data.sample_stats


def _log_likelihood(coordinates: Coordinates, positions: Tensor, batch: Batch) -> np.ndarray:
    """Log p(x | w) of each row for each draw, [draws, rows]."""
    program = coordinates.program
    has_rows = not program.can(DENSITY)
    method = LIKELIHOOD if has_rows else DENSITY
    log_prob = program.require(method)

    def at() -> Tensor:
        own = {n: getattr(program.model, n) for n in coordinates.latents} if has_rows else {}
        latents = program.manifest.named_as_arguments(own)
        value: Tensor = log_prob(**program.inputs(method, {**batch, **latents}))
        return value

    found: np.ndarray = coordinates.over(positions, at).double().cpu().numpy()
    return found


def write(data: Any, run: Path) -> Path:  # noqa: ANN401 - an InferenceData
    """Writes the draws to the run folder; raises RunFailure E0811 if that fails."""
    path = run / FILE
    beside = path.with_suffix(".partial")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data.to_netcdf(str(beside))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RunFailure("E0811", f"{path} cannot be written: {error}") from error
    return path
