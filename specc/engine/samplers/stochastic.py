"""Chains that move along estimates of the gradient by minibatches, and accept every move.

A transition is one update, or as many as `thinning` says. The step size of update t, counted from
0, is `step_size (1 + t / delay)^-decay` (Welling and Teh 2011, section 2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from specc.engine.compile.autotune import Choice
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.start import find_start
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise
from specc.runtime.sampler import Sampler

State = Mapping[str, Tensor]
"""The tensors of all chains by name, [chains, ...]; `positions` is one of them."""


class Estimate(NamedTuple):
    """Unbiased estimates of the gradients [chains, size] and the log-densities [chains].

    `curvatures` estimates the diagonals of the Hessians, if the update needs them.
    """

    gradients: Tensor
    values: Tensor
    curvatures: Tensor | None = None


class Gradient(Protocol):
    """An estimator of the gradient of a log-density at the positions of chains."""

    size: int
    like: Tensor

    def __call__(self, positions: Tensor, noise: Noise) -> Estimate:
        """The estimates with the random minibatches of an update."""

    def record(self, mode: str, calls: int) -> Choice:
        """Records the computation, and compiles it if that pays for so many calls."""


class Rule(Protocol):
    """The update of a sampler."""

    def start(self, positions: Tensor, step: float, noise: Noise) -> State:
        """The state of the chains beside their positions."""

    def move(self, state: State, found: Estimate, step: float, noise: Noise) -> State:
        """The state after an update with a step size."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of all samplers by minibatches; `thinning` is the updates of a transition."""

    chains: int
    step_size: float
    decay: float = 0.0
    delay: float = 1.0
    thinning: int = 1

    def step(self, number: int) -> float:
        """The step size of an update, counted from 0."""
        return float(self.step_size * (1.0 + number / self.delay) ** -self.decay)


def options_of(sampler: Sampler) -> Options:
    """The options of the sampler in the manifest."""
    own = sampler.options
    step, decay, delay = (float(own[name]) for name in ("step_size", "decay", "delay"))
    return Options(sampler.chains, step, decay, delay, int(own["thinning"]))


class Stochastic:
    """The chains of a sampler by minibatches."""

    metrics: tuple[str, ...] = ("step_size",)

    def __init__(self, gradient: Gradient, rule: Rule, options: Options, seed: int) -> None:
        """Chains before their start; `seed` is less than 2^64."""
        self.gradient, self.rule, self.options, self.seed = gradient, rule, options, seed
        self.iteration = 0
        self.state: State = {}
        self._draws: Draws | None = None

    @property
    def made(self) -> Sequence[int]:
        """The number of transitions that each chain has made."""
        return [self.iteration] * self.options.chains

    @property
    def is_new(self) -> bool:
        """Whether the chains have no positions yet."""
        return not self.state

    @property
    def position(self) -> Array:
        """The position of the first chain, [size]."""
        found: Array = self.state["positions"][0].double().cpu().numpy()
        return found

    def record(self, mode: str, left: int) -> Choice:
        """Records the gradient of all chains, and compiles it if that pays."""
        return self.gradient.record(mode, left * self.options.thinning)

    def _noise(self, number: int) -> Noise:
        """The random numbers of an update; number 0 is the start."""
        like = self.gradient.like
        return Noise.at(self.seed, number, device=like.device, dtype=like.dtype)

    def start(self) -> None:
        """Finds a start with a positive density for each chain; raises NoStart."""
        noise = self._noise(0)
        shape = (self.options.chains, self.gradient.size)

        def evaluate(positions: Tensor) -> tuple[Tensor, Tensor]:
            found = self.gradient(positions, noise)
            return found.gradients, found.values

        positions, _, _ = find_start(noise, shape, evaluate)
        own = self.rule.start(positions, self.options.step(0), noise)
        self.state = {"positions": positions, **own}

    def begin(self, draws: Draws) -> None:
        """Begins the transitions of all chains, which write their results to `draws`."""
        self._draws = draws

    def advance(self, number: int) -> None:
        """Makes transitions until every chain has made `number` of them.

        Raises RunFailure: E0833, if a position is not finite.
        """
        while self.iteration < number:
            self._transition()
            self.iteration += 1

    def _transition(self) -> None:
        """One transition of every chain."""
        first, step = self.iteration * self.options.thinning, 0.0
        for update in range(first, first + self.options.thinning):
            noise, step = self._noise(update + 1), self.options.step(update)
            found = self.gradient(self.state["positions"], noise)
            self.state = self.rule.move(self.state, found, step, noise)
        lost = ~self.state["positions"].isfinite().all(-1)
        if lost.any():
            raise _diverged(int(lost.nonzero()[0, 0]), self.iteration, step)
        if self._draws is not None:
            self._write(found, step)

    def _write(self, found: Estimate, step: float) -> None:
        """Writes the positions, and the estimate of the density before the last update."""
        assert self._draws is not None
        self._draws.record_all(
            self.iteration,
            self.state["positions"].double().cpu().numpy(),
            log_density=found.values.double().cpu().numpy(),
            energy=math.nan,
            acceptance=math.nan,
            step_size=step,
            leapfrogs=self.options.thinning,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The state of the chains, as tensors of a checkpoint."""
        found = {name: value.cpu() for name, value in self.state.items()}
        return {**found, "iteration": torch.tensor(self.iteration)}

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Sets the state of the chains."""
        self.iteration = int(stored["iteration"])
        names = (name for name in stored if name != "iteration")
        self.state = {name: stored[name].to(self.gradient.like) for name in names}


def _diverged(chain: int, iteration: int, step: float) -> RunFailure:
    """The failure of a chain whose position is not finite."""
    message = (
        f"chain {chain + 1} left the finite numbers in transition {iteration + 1}, with the step "
        f"size {step:.3g}"
    )
    return RunFailure("E0833", message, hint="a smaller `step_size` helps")
