"""The arguments and results of sample metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise

OpenRun = Callable[[str], LoadedRun]
"""Opens the run that a spec names; raises RunFailure E0802 if there is none."""


def no_other_run(word: str) -> LoadedRun:
    """Raises RunFailure E0802: the opener for metrics that need no other run."""
    raise RunFailure("E0802", f"the run `{word}` cannot be loaded here")


METRIC = 4
"""The counter, after that of the stream, for random numbers of the metric."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a metric, with its standard error if it has one."""

    value: float
    standard_error: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows of data and samples of the model as vectors, [rows, size] and [samples, size].

    They are values of the compared node, or features of it, in float64. `drawn` has the samples of
    every node, in the units of the metric.
    """

    node: str
    data: Tensor
    samples: Tensor
    drawn: Mapping[str, Tensor]
    seed: int
    open_run: OpenRun

    def noise(self) -> Noise:
        """The noise of the metric, with the same numbers on every device."""
        return noise_at(self.seed, Stream.EVALUATE, METRIC, device=torch.device("cpu"))


def share(true: Tensor) -> Value:
    """The fraction of true entries, with its binomial standard error."""
    p, count = true.double().mean().item(), true.numel()
    return Value(p, (p * (1.0 - p) / count) ** 0.5)


def distances(rows: Tensor, others: Tensor) -> Tensor:
    """The distance of each row to each of `others`, [rows, others], without a matrix product.

    A matrix product is faster, but its rounding breaks ties, which binary rows often have.
    """
    found: Tensor = torch.cdist(rows, others, compute_mode="donot_use_mm_for_euclid_dist")
    return found
