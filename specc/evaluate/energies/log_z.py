"""Log Z of an energy with its standard error, and a plain statement of what the number is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from specc.evaluate.energies import annealing, enumeration
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import Path, largest_block
from specc.runtime.exponential_families import Natural
from specc.runtime.noise import Noise

Direction = Literal["forward", "backward", "both"]
Latents = Literal["mean_field", "ais"]
Advance = Callable[[float], None]

CHAINS, TEMPERATURES = 100, 10_000
"""The numbers of chains and of temperatures by default."""

RESAMPLE, RETURN = 1, 2
"""Counters of the noise of the samples and of the backward pass."""


@dataclass(frozen=True, slots=True)
class Annealing:
    """The options of annealed importance sampling.

    `sweeps` are the Gibbs sweeps before the backward pass, by default as many as temperatures.
    `latents` says how latents of a row that cannot be summed out are treated: by mean field, which
    is a lower bound, or by annealing with the row held fixed.
    """

    chains: int = CHAINS
    temperatures: int = TEMPERATURES
    direction: Direction = "forward"
    sweeps: int | None = None
    seed: int = 0
    latents: Latents = "mean_field"


@dataclass(frozen=True, slots=True)
class OneWay:
    """Log Z by the chains of one direction."""

    value: float
    standard_error: float
    effective: float


@dataclass(frozen=True, slots=True)
class LogZ:
    """Log Z in nats: exact, or by the chains of one or two directions.

    `forward` is below log Z on average, and `backward` above it if its chains start at exact
    samples.
    """

    value: float
    standard_error: float = 0.0
    states: float | None = None
    options: Annealing | None = None
    forward: OneWay | None = None
    backward: OneWay | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the number is exact but for rounding."""
        return self.options is None

    @property
    def effective(self) -> float | None:
        """The effective sample size of the chains that gave the value; None if it is exact."""
        ways = (way for way in (self.forward, self.backward) if way is not None)
        return next((way.effective for way in ways), None)

    @property
    def kind(self) -> str:
        """`exact`, `lower bound on average`, `upper bound on average` or `bracket on average`."""
        if self.is_exact:
            return "exact"
        if self.backward is None:
            return "lower bound on average"
        return "upper bound on average" if self.forward is None else "bracket on average"

    def statement(self) -> str:
        """What the number is, in a sentence."""
        if self.options is None:
            assert self.states is not None
            shown = enumeration.states_in_words(self.states)
            return f"log Z is exact, a sum over {shown} states"
        low = "the mean of the forward estimate over seeds is at most log Z"
        sweeps = sweeps_of(self.options)
        plural = "sweep" if sweeps == 1 else "sweeps"
        high = (
            "that of the backward estimate is at least log Z if its chains start at exact samples; "
            f"they start after {sweeps:,} Gibbs {plural}"
        )
        if self.backward is None:
            return f"log Z is an estimate: {low}"
        if self.forward is None:
            return f"log Z is an estimate: {high.replace('that', 'the mean', 1)}"
        return f"log Z is an estimate: {low}, and {high}"

    def summary(self) -> dict[str, object]:
        """The number as JSON."""
        ways = {"forward": self.forward, "backward": self.backward}
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "kind": self.kind,
            "statement": self.statement(),
            **({} if self.states is None else {"log2_states": self.states}),
            **({} if self.options is None else self._options()),
            **{
                name: {
                    "value": way.value,
                    "standard_error": None
                    if math.isnan(way.standard_error)
                    else way.standard_error,
                    "effective_sample_size": way.effective,
                }
                for name, way in ways.items()
                if way is not None
            },
        }

    def _options(self) -> dict[str, object]:
        assert self.options is not None
        return {"chains": self.options.chains, "temperatures": self.options.temperatures}


def sweeps_of(options: Annealing) -> int:
    """The Gibbs sweeps before the backward pass."""
    return options.temperatures if options.sweeps is None else options.sweeps


def exact_log_z(model: EnergyModel) -> LogZ:
    """Log Z by enumeration; raises ValueError if there are too many states."""
    states = enumeration.fewest_states(model.declared, model.families)[1]
    return LogZ(enumeration.log_z(model), states=states)


def annealed_log_z(
    model: EnergyModel,
    base: Mapping[str, Natural],
    options: Annealing,
    advance: Advance = lambda done: None,
) -> LogZ:
    """Log Z by annealed importance sampling from a base.

    The value is that of the forward direction if it is requested. The backward direction needs the
    forward pass as well, since its chains start at the ends of that one.
    """
    path = Path(model, base, largest_block(model))
    betas = annealing.temperatures(options.temperatures)
    share = 1.0 if options.direction == "forward" else 0.4
    with torch.inference_mode():
        first = annealing.forward(
            path, options.chains, betas, _noise(model, options, 0), lambda d: advance(share * d)
        )
        forward = _one_way(first)
        backward = None
        if options.direction != "forward":
            noise = _noise(model, options, RESAMPLE)
            start = annealing.samples(path, first, sweeps_of(options), noise)
            noise = _noise(model, options, RETURN)
            back = annealing.backward(path, start, betas, noise, lambda d: advance(0.6 + 0.4 * d))
            found = _one_way(back)
            backward = OneWay(-found.value, found.standard_error, found.effective)
    advance(1.0)
    chosen = backward if options.direction == "backward" and backward is not None else forward
    return LogZ(
        chosen.value,
        chosen.standard_error,
        options=options,
        forward=None if options.direction == "backward" else forward,
        backward=backward,
    )


def _one_way(found: annealing.Pass) -> OneWay:
    mean = annealing.log_mean(found.log_weights)
    return OneWay(mean.value.item(), mean.standard_error.item(), mean.effective.item())


def _noise(model: EnergyModel, options: Annealing, *counters: int) -> Noise:
    like = model.like
    return Noise.at(options.seed, *counters, device=like.device, dtype=like.dtype)
