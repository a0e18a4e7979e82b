"""Draws of the latents that all rows share from the guide: values, and averages over them.

predictive    log 1/S sum_s p(x | w_s), w_s ~ q(w), for each row
evidence      log 1/S sum_s p(data | w_s) p(w_s) / q(w_s), for all rows of a part
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.samplers.log_density import CHUNK
from specc.engine.samplers.recorded import UNSUPPORTED
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.manifest import Manifest
from specc.runtime.noise import Noise
from specc.runtime.program import Program

ONE, MANY = "guide.sample_global", "guide.sample_global_and_log_prob"
JOINT, PRIOR = "model.log_joint", "model.log_prior"

MOST_NUMBERS = 50_000_000
"""Numbers of all draws together above which there are fewer draws."""


def draws_shared(manifest: Manifest) -> bool:
    """Whether the guide draws latents that rows share; rows may have latents of their own."""
    return {MANY, JOINT} <= set(manifest.capabilities) and manifest.sampler is None


def has_shared_guide(manifest: Manifest) -> bool:
    """Whether the guide draws latents that rows share, and each row has no latents of its own."""
    if not draws_shared(manifest):
        return False
    own = manifest.nodes.get("model", {})
    # A guide may also draw values that rows lack, of observed nodes.
    drawn = tuple(n for n in manifest.latents("model") if n not in manifest.summed())
    drawn += tuple(n for n in manifest.latents("guide") if n in own)
    return all(own[name].is_global for name in drawn)


@dataclass(frozen=True, slots=True)
class GuideDraws:
    """Draws w ~ q(w) of the shared latents, each [draws, *shape], and log q(w): [draws]."""

    program: Program
    values: Mapping[str, Tensor]
    log_q: Tensor

    @classmethod
    def of(cls, loaded: LoadedRun, count: int, seed: int = 0) -> GuideDraws | None:
        """Draws from the guide of a run; None if it draws no latents that rows share."""
        if not draws_shared(loaded.manifest):
            return None
        program = loaded.program
        noise = noise_at(seed, Stream.SAMPLE, 3, device=loaded.device)
        with torch.no_grad():
            one: dict[str, Tensor] = program.require(ONE)(noise)
            numbers = sum(value.numel() for value in one.values())
            count = max(1, min(count, MOST_NUMBERS // max(1, numbers)))
            found, log_q = program.require(MANY)(noise, count)
            # Values that are no array have an axis of size 1 in place of that of rows.
            values = {n: v.expand(count, *v.shape[1:]) for n, v in found.items()}
            values = {n: v.reshape(count, *one[n].shape) for n, v in values.items()}
        return cls(program, values, log_q.expand(count, *log_q.shape[1:]).reshape(count).double())

    def __len__(self) -> int:
        return len(self.log_q)

    def each(self) -> Iterator[dict[str, Tensor]]:
        """One draw after the other."""
        for number in range(len(self)):
            yield {name: value[number] for name, value in self.values.items()}

    def repeated(self, chosen: slice, times: int) -> dict[str, Tensor]:
        """Some of the draws, each several times in turn: [draws * times, 1, *shape].

        This is the shape of shared latents beside those of rows.
        """
        return {n: v[chosen].repeat_interleave(times, 0)[:, None] for n, v in self.values.items()}

    def log_prob(self, batch: Batch) -> Tensor:
        """The log of the mean over draws w of p(x | w), for each row: [rows]."""
        return self.log_likelihood(batch).logsumexp(0) - math.log(len(self))

    def log_likelihood(self, batch: Batch) -> Tensor:
        """Log p(x | w) of each row for each draw: [draws, rows], in float64.

        The rows have no latents of their own.
        """
        return self._over(JOINT, batch)

    def log_prior(self) -> Tensor:
        """Log p(w) of each draw: [draws], in float64."""
        return self._over(PRIOR, {})

    @torch.no_grad()
    def _over(self, method: str, batch: Batch) -> Tensor:
        """A density at each of the draws."""
        program = self.program
        needed, points = program.capabilities[method], _points(program, method)
        known = {**points, **{name: v for name, v in batch.items() if name in needed}}
        drawn = {name: v for name, v in self.values.items() if name in needed}
        density = partial(_called, program.require(method), known)
        if not drawn:
            return density({}).double().expand(len(self), -1)
        return over_draws(density, drawn).double()


def _called(method: Callable[..., Tensor], known: Batch, drawn: Batch) -> Tensor:
    return method(**known, **drawn)


def _points(program: Program, method: str) -> dict[str, Tensor]:
    """The latents of the model that a method needs and that are points, not drawn."""
    nodes = program.manifest.nodes["model"]
    latents = set(program.manifest.latents("model")) & set(program.capabilities[method])
    found: dict[str, Any] = {n: getattr(program.model, nodes[n].attribute, None) for n in latents}
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def one_shared_draw(program: Program, noise: Noise, particles: int) -> dict[str, Tensor]:
    """One draw of the shared latents from the guide, the same for all particles of rows.

    Each is [particles, 1, *shape], the shape of shared latents beside those of rows; empty if the
    guide draws none.
    """
    if not program.can(ONE):
        return {}
    found: dict[str, Tensor] = program.require(ONE)(noise)
    return {n: v.expand(particles, 1, *v.shape) for n, v in found.items()}


def shared_draw_per_particle(program: Program, noise: Noise, particles: int) -> dict[str, Tensor]:
    """A draw of the shared latents from the guide for each particle of rows.

    Each is [particles, 1, *shape], as of `one_shared_draw`.
    """
    if not program.can(MANY):
        return {}
    found: dict[str, Tensor] = program.require(MANY)(noise, particles)[0]
    return found


def over_draws(compute: Callable[[Batch], Tensor], draws: Mapping[str, Tensor]) -> Tensor:
    """What a function returns for each of several draws: [draws, ...]."""
    try:
        found: Tensor = vmap(compute, chunk_size=CHUNK)(dict(draws))
    except UNSUPPORTED:  # an operation cannot be computed for several draws at once
        count = len(next(iter(draws.values())))
        each = ({name: value[n] for name, value in draws.items()} for n in range(count))
        found = torch.stack([compute(values) for values in each])
    return found
