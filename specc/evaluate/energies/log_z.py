"""Log Z of an energy with its standard error, and a plain statement of what the number is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from specc.counted import counted
from specc.evaluate.energies import annealing, enumeration
from specc.evaluate.energies.annealing import LogMean
from specc.evaluate.energies.model import EnergyModel, Values
from specc.evaluate.energies.path import Path, largest_block
from specc.runtime.exponential_families import Natural
from specc.runtime.noise import Noise

Direction = Literal["forward", "backward", "both"]
Latents = Literal["mean_field", "ais"]
Advance = Callable[[float], None]

CHAINS, TEMPERATURES = 100, 10_000
"""The numbers of chains and of temperatures by default."""

AHEAD, RESAMPLE, RETURN, PILOT = 0, 1, 2, 4
"""Counters of the noise of the forward pass, the samples, the backward pass and the pilot pass."""


@dataclass(frozen=True, slots=True)
class Annealing:
    """The options of annealed importance sampling.

    `sweeps` are the sweeps before the backward pass, by default as many as temperatures.
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
    """Log Z by the chains of one direction.

    `effective` is the effective sample size, the least one over rows.
    """

    value: float
    standard_error: float
    effective: float


@dataclass(frozen=True, slots=True)
class LogZ:
    """Log Z in nats: exact, or by the chains of one or two directions.

    `forward` is below log Z on average, and `backward` above it if its chains start at exact
    samples. If log Z differs between rows, `given` is the number of different values of what is
    given, and the numbers are means over rows with the standard error of the mean.
    """

    value: float
    standard_error: float = 0.0
    states: float | None = None
    options: Annealing | None = None
    forward: OneWay | None = None
    backward: OneWay | None = None
    given: int | None = None

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
        high = (
            "that of the backward estimate is at least log Z if its chains start at exact samples; "
            f"they start after {counted(sweeps, 'sweep')} from resampled ends of the forward chains"
        )
        what = "log Z is an estimate"
        if self.given is not None:
            what = f"log Z is an estimate for each of {self.given:,} given values"
        if self.backward is None:
            return f"{what}: {low}"
        if self.forward is None:
            return f"{what}: {high.replace('that', 'the mean', 1)}"
        return f"{what}: {low}, and {high}"

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
            **({} if self.given is None else {"given_values": self.given}),
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
    """The sweeps before the backward pass."""
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
    forward, backward = annealed(model, base, options, advance=advance)
    return combined(_one_way(forward), None if backward is None else _one_way(backward), options)


def combined(forward: OneWay, backward: OneWay | None, options: Annealing) -> LogZ:
    """The result of both directions; the value is that of the requested one."""
    chosen = backward if options.direction == "backward" and backward is not None else forward
    return LogZ(
        chosen.value,
        chosen.standard_error,
        options=options,
        forward=None if options.direction == "backward" else forward,
        backward=backward,
    )


def annealed(
    model: EnergyModel,
    base: Mapping[str, Natural],
    options: Annealing,
    given: Values | None = None,
    *counters: int,
    advance: Advance = lambda done: None,
) -> tuple[LogMean, LogMean | None]:
    """Log Z by both directions, or forward alone, for each row of what is given: [rows] each.

    Without `given` there is one row. Random numbers depend on the `counters`.
    """
    rows = len(next(iter(given.values()))) if given else 1
    chains, betas = options.chains, annealing.temperatures(options.temperatures)
    forwards = options.direction == "forward"
    with _path(model, base, given or {}, chains) as path:
        annealing.adapt(path, betas, _noise(model, options, PILOT, *counters))
        noise, share = _noise(model, options, AHEAD, *counters), 1.0 if forwards else 0.4
        end = annealing.forward(path, rows * chains, betas, noise, lambda d: advance(share * d))
        forward = annealing.log_mean(end.log_weights.reshape(rows, chains))
        backward = None
        if not forwards:
            noise = _noise(model, options, RESAMPLE, *counters)
            start = annealing.samples(path, end, sweeps_of(options), noise, rows)
            noise = _noise(model, options, RETURN, *counters)
            back = annealing.backward(path, start, betas, noise, lambda d: advance(0.6 + 0.4 * d))
            found = annealing.log_mean(back.log_weights.reshape(rows, chains))
            backward = LogMean(-found.value, found.standard_error, found.effective)
    advance(1.0)
    return forward, backward


@contextmanager
def _path(
    model: EnergyModel, base: Mapping[str, Natural], given: Values, chains: int
) -> Iterator[Path]:
    """A path with `chains` rows for each row of what is given, in a context without gradients.

    A transition needs the gradient of the energy, which tensors of inference mode cannot have.
    """
    moves = any(unit.is_moved for unit in model.declared.units.values())
    with torch.inference_mode(not moves), torch.no_grad():
        clamped = {name: value.repeat_interleave(chains, 0) for name, value in given.items()}
        if moves:
            base = {name: tuple(own.clone() for own in eta) for name, eta in base.items()}
        yield Path(model, base, largest_block(model), clamped)


def _one_way(found: LogMean) -> OneWay:
    return OneWay(found.value.item(), found.standard_error.item(), found.effective.item())


def _noise(model: EnergyModel, options: Annealing, *counters: int) -> Noise:
    like = model.like
    return Noise.at(options.seed, *counters, device=like.device, dtype=like.dtype)
