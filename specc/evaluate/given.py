"""What a trained program says of rows that are given here, rather than read by the run."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from specc.data.fields import dtype_of
from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.sampling import GUIDE
from specc.evaluate.scoring import choose, exact, exact_name, log_weights
from specc.evaluate.solved import solved
from specc.evaluate.units import Units, in_model_units, log_scale
from specc.evaluate.weights import LogSums
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Field

AT_ONCE = 256
"""Particles that are computed together."""


@torch.inference_mode()
def encode(
    opened: OpenRun,
    x: Tensor | Mapping[str, Tensor],
    particles: int,
    seed: int,
    units: Units = "model",
) -> dict[str, Tensor]:
    """Draws of the latents, each [particles, rows, *shape]; `x` is in these `units`.

    Raises RunFailure: E0805 where there is no guide, E0510 where a field is missing.
    """
    program = opened.program
    infer = program.require(GUIDE, "encoding")
    batch = _batch(opened, x, GUIDE, units)
    with opened.computing(), solved(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 2, device=opened.device)
        program.eval()
        latents, _ = infer(noise, particles, **program.inputs(GUIDE, batch))
    return dict(latents)


@torch.inference_mode()
def log_prob(
    opened: OpenRun,
    x: Tensor | Mapping[str, Tensor],
    particles: int,
    seed: int,
    units: Units = "model",
) -> Tensor:
    """log p(x), or the importance-weighted bound on it, of each row.

    `x` is in these `units`, and so is its density.

    Raises RunFailure: E0813 where the program allows neither, E0510 where a field is missing.
    """
    program = opened.program
    how = choose(program.manifest, "iwae")
    with opened.computing(), solved(program.folder):
        program.eval()
        if how == "exact":
            batch = _batch(opened, x, exact_name(program), units)
            return _in_units(opened, exact(program, batch), batch, units)
        batch = _batch(opened, x, GUIDE, units)
        sums = LogSums(len(next(iter(batch.values()))), opened.device)
        while sums.particles < particles:
            count = min(AT_ONCE, particles - sums.particles)
            sums.add(log_weights(opened, batch, count, seed, sums.particles))
        return _in_units(opened, sums.log_mean(), batch, units)


def _in_units(opened: OpenRun, log_p: Tensor, batch: Batch, units: Units) -> Tensor:
    return log_p - log_scale(opened, batch) if units == "data" else log_p


def _batch(
    opened: OpenRun, x: Tensor | Mapping[str, Tensor], capability: str, units: Units
) -> Batch:
    """The data fields that are given, in the precision and on the device of the run."""
    data = opened.manifest.data
    fields = dict(data.fields) if data is not None else {}
    needed = [name for name in opened.program.capabilities[capability] if name in fields]
    if not isinstance(x, Mapping):
        if len(needed) != 1:
            shown = ", ".join(f"`{name}`" for name in needed) or "none"
            message = f"`{capability}` takes several fields: {shown}"
            hint = "give a mapping of names to tensors"
            raise RunFailure("E0510", message, hint=hint, exit_code=USAGE)
        x = {needed[0]: x}
    x = in_model_units(opened, x) if units == "data" else x
    x = {**x, **_masks(fields, x)}
    missing = [name for name in needed if name not in x]
    if missing:
        message = f"the field `{missing[0]}` is not given"
        raise RunFailure("E0510", message, hint=f"it takes {', '.join(needed)}", exit_code=USAGE)
    placed = {n: _placed(opened, torch.as_tensor(x[n]), n) for n in x if n in fields}
    masks = {own.missing.known for own in fields.values() if own.missing is not None}
    return {**placed, **{n: torch.as_tensor(x[n]).to(opened.device) for n in masks & set(x)}}


def rows_of(opened: OpenRun, x: Tensor | Mapping[str, Tensor], units: Units = "model") -> Batch:
    """Rows with every field of the data, each missing where it is no number, or not there at all.

    Raises RunFailure E0510, where a field is missing of which every row needs a value.
    """
    data = opened.manifest.data
    fields = dict(data.fields) if data is not None else {}
    named = dict(x) if isinstance(x, Mapping) else {}
    if not isinstance(x, Mapping):
        first = [n for n, own in fields.items() if own.missing is None or not own.missing.filled]
        named = {first[0] if first else next(iter(fields)): x}
    named = in_model_units(opened, named) if units == "data" else named
    count = len(next(iter(named.values())))
    for name, own in fields.items():
        if name in named:
            continue
        if own.missing is None:
            message, hint = f"the field `{name}` is not given", f"it takes {', '.join(fields)}"
            raise RunFailure("E0510", message, hint=hint, exit_code=USAGE)
        named[name] = torch.full((count, *own.shape), torch.nan)
    named |= _masks(fields, named)
    placed = {n: _placed(opened, torch.as_tensor(named[n]), n) for n in fields}
    placed = {
        n: value.to(dtype_of(fields[n], opened.settings.dtype)) for n, value in placed.items()
    }
    masks = {own.missing.known for own in fields.values() if own.missing is not None}
    return {**placed, **{n: torch.as_tensor(named[n]).to(opened.device) for n in masks}}


def _masks(fields: Mapping[str, Field], x: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Where given values are there: where they are numbers, unless a mask beside them says more."""
    found = {}
    for name, field in fields.items():
        if field.missing is None or name not in x or field.missing.known in x:
            continue
        value = torch.as_tensor(x[name])
        there = ~value.isnan().reshape(len(value), *field.missing.shape, -1)
        found[field.missing.known] = there.all(-1)
        found[name] = torch.nan_to_num(value)
    return found


def _placed(opened: OpenRun, value: Tensor, name: str) -> Tensor:
    data = opened.manifest.data
    assert data is not None
    field, whole = data.fields[name], not value.is_floating_point()
    shape = field.shape
    if tuple(value.shape[1:]) != tuple(shape):
        message = f"`{name}` has rows of shape {list(value.shape[1:])}, and the model takes {shape}"
        raise RunFailure("E0510", message, hint="the first axis counts rows", exit_code=USAGE)
    # Class numbers come as numbers of their own kind, whatever the model takes them as.
    kind = dtype_of(field, opened.settings.dtype) if whole else opened.settings.dtype
    return value.to(opened.device, kind)
