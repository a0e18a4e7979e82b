"""What a trained program says of rows that are given here, rather than read by the run."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.sampling import GUIDE
from specc.evaluate.scoring import choose, exact, exact_name, log_weights
from specc.evaluate.weights import LogSums
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.places import located

AT_ONCE = 256
"""Particles that are computed together."""


@torch.inference_mode()
def encode(
    opened: OpenRun, x: Tensor | Mapping[str, Tensor], particles: int, seed: int
) -> dict[str, Tensor]:
    """Draws of the latents, each [particles, rows, *shape].

    Raises RunFailure: E0805 where there is no guide, E0510 where a field is missing.
    """
    program = opened.program
    infer = program.require(GUIDE, "encoding")
    batch = _batch(opened, x, GUIDE)
    with opened.computing(), located(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 2, device=opened.device)
        program.eval()
        latents, _ = infer(noise, particles, **program.inputs(GUIDE, batch))
    return dict(latents)


@torch.inference_mode()
def log_prob(
    opened: OpenRun, x: Tensor | Mapping[str, Tensor], particles: int, seed: int
) -> Tensor:
    """log p(x), or the importance-weighted bound on it, of each row.

    Raises RunFailure: E0813 where the program allows neither, E0510 where a field is missing.
    """
    program = opened.program
    how = choose(program.manifest, "iwae")
    with opened.computing(), located(program.folder):
        program.eval()
        if how == "exact":
            return exact(program, _batch(opened, x, exact_name(program)))
        batch = _batch(opened, x, GUIDE)
        sums = LogSums(len(next(iter(batch.values()))), opened.device)
        while sums.particles < particles:
            count = min(AT_ONCE, particles - sums.particles)
            sums.add(log_weights(opened, batch, count, seed, sums.particles))
        return sums.log_mean()


def _batch(opened: OpenRun, x: Tensor | Mapping[str, Tensor], capability: str) -> Batch:
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
    missing = [name for name in needed if name not in x]
    if missing:
        message = f"the field `{missing[0]}` is not given"
        raise RunFailure("E0510", message, hint=f"it takes {', '.join(needed)}", exit_code=USAGE)
    return {name: _placed(opened, torch.as_tensor(x[name]), name) for name in x if name in fields}


def _placed(opened: OpenRun, value: Tensor, name: str) -> Tensor:
    data = opened.manifest.data
    assert data is not None
    shape = data.fields[name].shape
    if tuple(value.shape[1:]) != tuple(shape):
        message = f"`{name}` has rows of shape {list(value.shape[1:])}, and the model takes {shape}"
        raise RunFailure("E0510", message, hint="the first axis counts rows", exit_code=USAGE)
    real = opened.settings.dtype if value.is_floating_point() else None
    return value.to(opened.device, real)
