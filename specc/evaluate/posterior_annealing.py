"""Annealed importance sampling of the latents of rows under a program with a joint density.

Each row has chains of its own. The reference density has the moments of draws from the prior. On
simulated rows, whose latents are known, the chains also run backwards, which brackets log p(x) on
average (bidirectional Monte Carlo, Grosse, Ghahramani and Adams 2015).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.posterior_path import (
    Advance,
    PosteriorPath,
    Reference,
    backward,
    forward,
    step_sizes,
    temperatures,
)
from specc.runtime.noise import Noise

DRAWS = 1000
"""The draws from the prior whose moments the reference has."""

REFERENCE, PILOT, FORWARD, SIMULATED, BACKWARD = range(5)
"""Counters of the noise of the parts of an estimate."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Both directions on rows drawn from the model: means over rows, in nats.

    `gap` is the mean of backward minus forward, at least 0 on average, with its standard error.
    """

    rows: int
    forward: float
    backward: float
    gap: float
    standard_error: float

    def summary(self) -> dict[str, object]:
        """The numbers as JSON."""
        error = None if math.isnan(self.standard_error) else self.standard_error
        return {
            "rows": self.rows,
            "forward": self.forward,
            "backward": self.backward,
            "gap": self.gap,
            "standard_error": error,
        }


@dataclass(slots=True)
class PosteriorAnnealing:
    """The annealing of a loaded run: chains for each row, temperatures and a seed."""

    loaded: LoadedRun
    chains: int
    count: int
    seed: int
    known: Reference | None = field(default=None)

    @property
    def latents(self) -> tuple[str, ...]:
        """The latents of the joint density; others are summed out in it."""
        program = self.loaded.program
        inputs = program.capabilities["model.log_joint"]
        return tuple(n for n in program.manifest.latents("model") if n in inputs)

    def log_weights(self, batch: Batch, at: int, advance: Advance = lambda done: None) -> Tensor:
        """The log-weights of forward chains, of which p(x) is the mean: [chains, rows]."""
        with torch.inference_mode(False), torch.no_grad():
            path = self._path(_plain(batch))
            betas, sizes = self._schedule(path, at)
            return forward(path, self.chains, betas, sizes, self._noise(FORWARD, at), advance)

    def simulated(self, batch: Batch, advance: Advance = lambda done: None) -> Simulated:
        """Both directions on rows drawn from the model, as many as the batch has.

        Given nodes have the values of the batch.
        """
        with torch.inference_mode(False), torch.no_grad():
            given, rows = _plain(batch), len(next(iter(batch.values())))
            drawn = self._draw(given, rows, SIMULATED)
            path = self._path({**given, **drawn})
            betas, sizes = self._schedule(path, -1)
            ahead = forward(
                path, self.chains, betas, sizes, self._noise(FORWARD, -1), lambda d: advance(d / 2)
            )
            start = path.reference.flat(drawn).expand(self.chains, -1, -1)
            noise = self._noise(BACKWARD, -1)
            back = backward(path, start, betas, sizes, noise, lambda d: advance((1 + d) / 2))
        low, high = _log_mean(ahead), -_log_mean(back)
        gap = high - low
        error = gap.std().item() / rows**0.5 if rows > 1 else math.nan
        return Simulated(rows, low.mean().item(), high.mean().item(), gap.mean().item(), error)

    def probe(self, batch: Batch, rows: int) -> Tensor:
        """The joint density at draws from the prior, for a number of rows like that of a batch."""
        given = {name: value.expand(rows, *value.shape[1:]) for name, value in batch.items()}
        drawn = self._draw(given, rows, REFERENCE)
        known = {**given, **{name: drawn[name] for name in self.latents}}
        log_joint = self.loaded.program.require("model.log_joint")
        value: Tensor = log_joint(**self.loaded.program.inputs("model.log_joint", known))
        return value

    def _path(self, batch: Mapping[str, Tensor]) -> PosteriorPath:
        program, reference = self.loaded.program, self._reference(batch)
        log_joint = program.require("model.log_joint")
        rows = len(next(iter(batch.values())))

        def joint(latents: Mapping[str, Tensor]) -> Tensor:
            value: Tensor = log_joint(**program.inputs("model.log_joint", {**batch, **latents}))
            return value

        return PosteriorPath(joint, reference, rows)

    def _schedule(self, path: PosteriorPath, at: int) -> tuple[list[float], list[float]]:
        betas = temperatures(self.count)
        return betas, step_sizes(path, betas, self._noise(PILOT, at))

    def _reference(self, batch: Mapping[str, Tensor]) -> Reference:
        """The reference, which is made once, from the given nodes of the first rows."""
        if self.known is None:
            rows = len(next(iter(batch.values())))
            places = torch.arange(DRAWS, device=self.loaded.device) % rows
            given = {name: value[places] for name, value in batch.items()}
            drawn = self._draw(given, DRAWS, REFERENCE)
            self.known = Reference.of({name: drawn[name] for name in self.latents})
        return self.known

    def _draw(self, given: Mapping[str, Tensor], rows: int, part: int) -> dict[str, Tensor]:
        program = self.loaded.program
        sample = program.require("model.sample")
        drawn: dict[str, Tensor] = sample(
            self._noise(part, 0), rows, **program.inputs("model.sample", given)
        )
        return drawn

    def _noise(self, part: int, at: int) -> Noise:
        return noise_at(self.seed, Stream.EVALUATE, part, at + 1, device=self.loaded.device)


def _plain(batch: Batch) -> dict[str, Tensor]:
    """The values as tensors that a gradient may use, which those of inference mode are not."""
    return {name: value.clone() for name, value in batch.items()}


def _log_mean(log_weights: Tensor) -> Tensor:
    return log_weights.logsumexp(0) - math.log(len(log_weights))
