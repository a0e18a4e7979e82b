"""Encoding and densities of rows that the user passes, instead of rows of the run's data."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from specc.data.fields import dtype_of
from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.guide_draws import JOINT, GuideDraws, shared_draw_per_particle
from specc.evaluate.importance_weights import LogSums
from specc.evaluate.population_monte_carlo import POSTERIOR
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.posterior_probs import PROBS, posterior_probs, require_probs
from specc.evaluate.sampling import GUIDE
from specc.evaluate.scoring import PREDICTIVE, choose_estimator, exact, exact_name, log_weights
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import Units, in_model_units, log_scale
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Field

AT_ONCE = 256
"""Particles in one chunk."""


@torch.inference_mode()
def encode(
    loaded: LoadedRun,
    x: Tensor | Mapping[str, Tensor],
    particles: int,
    seed: int,
    units: Units = "model",
) -> dict[str, Tensor]:
    """Draws of the latents given data, each [particles, rows, *shape]; `x` is in `units`.

    They are from the guide, or exactly from the posterior if the latents are summed or integrated
    out.

    Raises RunFailure: E0805 if there is neither, E0510 if a field is missing.
    """
    program = loaded.program
    if program.can(POSTERIOR):
        return _smoothed(loaded, _batch(loaded, x, POSTERIOR, units), particles, seed)
    infer = program.require(GUIDE, "encoding")
    batch = _batch(loaded, x, GUIDE, units)
    with loaded.computing(), require_solutions(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 2, device=loaded.device)
        program.eval()
        shared = shared_draw_per_particle(program, noise, particles)
        latents, _ = infer(noise, particles, **program.inputs(GUIDE, {**batch, **shared}))
    return dict(latents)


def latent_probs(
    loaded: LoadedRun, x: Tensor | Mapping[str, Tensor], units: Units = "model"
) -> dict[str, Tensor]:
    """The probabilities of latents that are summed out, given data in `units`.

    Raises RunFailure: E0805 or E0845 if there are none, E0510 if a field is missing.
    """
    require_probs(loaded)
    return posterior_probs(loaded, _batch(loaded, x, PROBS, units))


def _smoothed(loaded: LoadedRun, batch: Batch, particles: int, seed: int) -> dict[str, Tensor]:
    """Draws from the exact posterior of the latents of rows: [particles, rows, *shape]."""
    program, rows = loaded.program, len(next(iter(batch.values())))
    many = {n: v.repeat(particles, *[1] * (v.ndim - 1)) for n, v in batch.items()}
    with loaded.computing(), require_solutions(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 2, device=loaded.device)
        program.eval()
        drawn = program.require(POSTERIOR)(noise, **program.inputs(POSTERIOR, many))
    return {n: v.reshape(particles, rows, *v.shape[1:]) for n, v in drawn.items()}


@torch.inference_mode()
def log_prob(
    loaded: LoadedRun,
    x: Tensor | Mapping[str, Tensor],
    particles: int,
    seed: int,
    units: Units = "model",
) -> Tensor:
    """log p(x) of each row, or its importance-weighted bound: [rows].

    With latents that rows share it is the log of the mean of p(x | w) over `particles` draws from
    their posterior. `x` and its density are in `units`.

    Raises RunFailure: E0813 if the program allows neither, E0510 if a field is missing.
    """
    program = loaded.program
    how = choose_estimator(program.manifest, "iwae")
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        if how == "exact":
            batch = _batch(loaded, x, exact_name(program), units)
            return _in_units(loaded, exact(program, batch), batch, units)
        if how == PREDICTIVE:
            batch = _batch(loaded, x, JOINT, units)
            draws = PosteriorDraws.of(loaded, particles) or GuideDraws.of(loaded, particles, seed)
            assert draws is not None
            return _in_units(loaded, draws.log_prob(batch), batch, units)
        batch = _batch(loaded, x, GUIDE, units)
        sums = LogSums(len(next(iter(batch.values()))), loaded.device)
        while sums.particles < particles:
            count = min(AT_ONCE, particles - sums.particles)
            sums.add(log_weights(loaded, batch, count, seed, sums.particles))
        return _in_units(loaded, sums.log_mean(), batch, units)


def _in_units(loaded: LoadedRun, log_p: Tensor, batch: Batch, units: Units) -> Tensor:
    return log_p - log_scale(loaded, batch) if units == "data" else log_p


def _batch(
    loaded: LoadedRun, x: Tensor | Mapping[str, Tensor], capability: str, units: Units
) -> Batch:
    """The data fields in `x`, in the precision and on the device of the run."""
    fields = loaded.manifest.fields
    needed = [name for name in loaded.program.capabilities[capability] if name in fields]
    if not isinstance(x, Mapping):
        if len(needed) != 1:
            shown = ", ".join(f"`{name}`" for name in needed) or "none"
            message = f"`{capability}` takes several fields: {shown}"
            hint = "give a mapping of names to tensors"
            raise RunFailure("E0510", message, hint=hint, exit_code=USAGE)
        x = {needed[0]: x}
    x = in_model_units(loaded, x) if units == "data" else x
    x = {**x, **_masks(fields, x)}
    missing = [name for name in needed if name not in x]
    if missing:
        message = f"the field `{missing[0]}` is not given"
        raise RunFailure("E0510", message, hint=f"it takes {', '.join(needed)}", exit_code=USAGE)
    placed = {n: _placed(loaded, torch.as_tensor(x[n]), n) for n in x if n in fields}
    masks = {own.missing.known for own in fields.values() if own.missing is not None}
    return {**placed, **{n: torch.as_tensor(x[n]).to(loaded.device) for n in masks & set(x)}}


def rows_of(loaded: LoadedRun, x: Tensor | Mapping[str, Tensor], units: Units = "model") -> Batch:
    """Rows with every field of the data; a value that is NaN or absent from `x` is missing.

    Of several sources these are the fields of the one with the observed nodes.

    Raises RunFailure: E0510, if a field is absent that does not allow missing values.
    """
    fields = loaded.manifest.fields_beside(loaded.manifest.observed())
    named = dict(x) if isinstance(x, Mapping) else {}
    if not isinstance(x, Mapping):
        first = [n for n, own in fields.items() if own.missing is None or not own.missing.filled]
        named = {first[0] if first else next(iter(fields)): x}
    named = in_model_units(loaded, named) if units == "data" else named
    count = len(next(iter(named.values())))
    for name, own in fields.items():
        if name in named:
            continue
        if own.missing is None:
            message, hint = f"the field `{name}` is not given", f"it takes {', '.join(fields)}"
            raise RunFailure("E0510", message, hint=hint, exit_code=USAGE)
        named[name] = torch.full((count, *own.shape), torch.nan)
    named |= _masks(fields, named)
    placed = {n: _placed(loaded, torch.as_tensor(named[n]), n) for n in fields}
    placed = {
        n: value.to(dtype_of(fields[n], loaded.settings.dtype)) for n, value in placed.items()
    }
    masks = {own.missing.known for own in fields.values() if own.missing is not None}
    return {**placed, **{n: torch.as_tensor(named[n]).to(loaded.device) for n in masks}}


def _masks(fields: Mapping[str, Field], x: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The masks of fields that allow missing values: NaN is missing, unless `x` has a mask."""
    found = {}
    for name, field in fields.items():
        if field.missing is None or name not in x or field.missing.known in x:
            continue
        value = torch.as_tensor(x[name])
        known = ~value.isnan().reshape(len(value), *field.missing.shape, -1)
        found[field.missing.known] = known.all(-1)
        found[name] = torch.nan_to_num(value)
    return found


def _placed(loaded: LoadedRun, value: Tensor, name: str) -> Tensor:
    field, is_integer = loaded.manifest.fields[name], not value.is_floating_point()
    shape = field.shape
    if tuple(value.shape[1:]) != tuple(shape):
        message = f"`{name}` has rows of shape {list(value.shape[1:])}, and the model takes {shape}"
        raise RunFailure("E0510", message, hint="the first axis counts rows", exit_code=USAGE)
    # Integers get the dtype of the field; other numbers the precision of the run.
    kind = dtype_of(field, loaded.settings.dtype) if is_integer else loaded.settings.dtype
    return value.to(loaded.device, kind)
