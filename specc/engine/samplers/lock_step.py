"""Chains that advance in lock step: all of them make each leapfrog step in one call.

The step size and the diagonal metric adapt in the warm-up to all chains together: a transition
gives one mean acceptance over chains, and a window the draws of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from specc.engine.compile.autotune import Choice
from specc.engine.compile.cpp_library import Library
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.no_u_turn import DIVERGENT
from specc.engine.samplers.pooled_moments import PooledMoments
from specc.engine.samplers.recorded import Recorded, choose
from specc.engine.samplers.start import find_start
from specc.engine.samplers.step_size import MOST_DOUBLINGS, PASSING, POOLED_GAMMA, StepSize
from specc.engine.samplers.warmup import window_ends
from specc.runtime.noise import Noise

MOST_EARLY = 20
"""The largest number of leapfrog steps of a trajectory before the first metric."""


class Density(Protocol):
    """A log-density of many chains: gradients [chains, size] and values [chains].

    `batched` computes all chains at once, `in_turn` one after the other. `like` is a tensor of the
    type and on the device of the positions.
    """

    size: int
    like: Tensor
    batched: Callable[..., tuple[Tensor, ...]]

    def in_turn(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The same, one chain after the other."""

    def library(self, chains: int) -> Library:
        """The same in C++ of its own; raises NotCompiled if it has no such form."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a sampler in lock step.

    - `chains`: the number of chains.
    - `warmup`, `draws`: the number of transitions that adapt, and of those that are kept.
    - `target`: the mean probability of acceptance to which the step size adapts.
    - `length`: the mean time of a trajectory; None for one leapfrog step.
    - `jitter`: the largest relative difference of a time from the mean.
    - `most`: the largest number of leapfrog steps.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    target: float = 0.8
    length: float | None = None
    jitter: float = 0.0
    most: int = 1000


class State(NamedTuple):
    """Positions [chains, size], the gradients there, and the log-densities [chains]."""

    positions: Tensor
    gradients: Tensor
    values: Tensor


class LockStep:
    """The chains of Hamiltonian Monte Carlo."""

    metrics: tuple[str, ...] = ("acceptance", "step_size", "leapfrogs", "divergent")

    def __init__(self, density: Density, options: Options, seed: int) -> None:
        """Chains before their start.

        Args:
            density: The target.
            options: The options of the sampler.
            seed: The seed of all random numbers, less than 2^64.

        """
        self.density, self.options, self.seed = density, options, seed
        self.iteration = 0
        self.state: State | None = None
        self.step_size = StepSize.start(1.0)
        self.scales = density.like.new_ones(density.size)
        self.moments = PooledMoments(density.size)
        self.ends = window_ends(options.warmup)
        self.library: Library | None = None
        self.leapfrog = self._recorded()
        self._draws: Draws | None = None

    def _recorded(self) -> Recorded:
        """A leapfrog step of all chains, as a function of tensors."""
        like, shape = self.density.like, (self.options.chains, self.density.size)
        # Each example is a tensor of its own: the same one twice would be recorded as one input.
        several = (like.new_zeros(shape) for _ in range(3))
        examples = (*several, like.new_ones(self.density.size), like.new_ones(()))
        forms = (self.density.batched, self.density.in_turn)
        function, in_turn = map(leapfrog_of, forms)
        return Recorded(function, examples, in_turn, self._built)

    def _built(self) -> Callable[..., tuple[Tensor, ...]]:
        """A leapfrog step in C++ of its own, which makes whole trajectories."""
        library = self.library = self.density.library(self.options.chains)

        def leapfrog(*inputs: Tensor) -> tuple[Tensor, ...]:
            *state, scales, step = inputs
            return library.advanced((*state, state[0][:, 0]), scales, float(step), 1)

        return leapfrog

    @property
    def made(self) -> Sequence[int]:
        """The number of transitions that each chain has made."""
        return [self.iteration] * self.options.chains

    @property
    def is_new(self) -> bool:
        """Whether the chains have no positions yet."""
        return self.state is None

    @property
    def position(self) -> Array:
        """The position of the first chain, [size]."""
        assert self.state is not None
        found: Array = self.state.positions[0].double().cpu().numpy()
        return found

    def record(self, mode: str, left: int) -> Choice:
        """Records a leapfrog step of all chains, and compiles it if that pays."""
        steps = 1 if self.options.length is None else math.ceil(4 * self.options.length)
        return choose(self.leapfrog, mode, left * steps)

    def _noise(self, number: int) -> Noise:
        """The random numbers of a transition; number 0 is the start."""
        like = self.density.like
        return Noise.at(self.seed, number, device=like.device, dtype=like.dtype)

    def start(self) -> None:
        """Finds a start with a positive density for each chain; raises NoStart."""
        shape = (self.options.chains, self.density.size)

        def evaluate(positions: Tensor) -> tuple[Tensor, Tensor]:
            # A step of size 0 stays where it is, and has the density there.
            still = torch.zeros_like(positions)
            size = self.scales.new_zeros(())
            _, _, *found = self.leapfrog(positions, still, still, self.scales, size)
            return found[0], found[1]

        self.state = State(*find_start(self._noise(0), shape, evaluate))

    def begin(self, draws: Draws) -> None:
        """Begins the transitions of all chains, which write their results to `draws`."""
        self._draws = draws

    def advance(self, number: int) -> None:
        """Makes transitions until every chain has made `number` of them."""
        while self.iteration < number:
            self._transition()
            self.iteration += 1

    def _transition(self) -> None:
        """One transition of every chain."""
        noise = self._noise(self.iteration + 1)
        if self.iteration == 0:
            self._search(noise)
        assert self.state is not None
        count, step = self._steps(noise)
        moved = self._trajectory(self.state, noise.normal(self.state.positions.shape), count, step)
        acceptance = acceptance_of(moved.before, moved.after)
        accepted = noise.uniform(acceptance.shape).to(acceptance) < acceptance
        old, new = self.state, moved.state
        choices = (_chosen(accepted, *pair) for pair in zip(new, old, strict=True))
        self.state = State(*choices)
        if self._draws is not None:
            self._write(moved, acceptance, count, step)
        if self.iteration < self.options.warmup:
            self._adapt(float(acceptance.mean()), noise)

    def _steps(self, noise: Noise) -> tuple[int, float]:
        """The number of leapfrog steps of a trajectory, and their size."""
        own, step = self.options, self.step_size.step
        if own.length is None:
            return 1, step
        factor = 1.0 + own.jitter * (2.0 * float(noise.uniform(())) - 1.0)
        # Before the first window ends, a length in units of the metric has no meaning.
        is_early = bool(self.ends) and self.iteration < self.ends[0]
        most = min(own.most, MOST_EARLY) if is_early else own.most
        return min(most, max(1, math.ceil(factor * own.length / step))), step

    def _trajectory(self, start: State, first: Tensor, count: int, step: float) -> Moved:
        """The ends of trajectories of some leapfrog steps, from the first momenta."""
        before = _energy(start.values, first)
        state = (start.positions, first, *start[1:])
        positions, momenta, gradients, values = self.advanced(state, count, step)
        return Moved(State(positions, gradients, values), before, _energy(values, momenta))

    def advanced(self, state: tuple[Tensor, ...], count: int, step: float) -> tuple[Tensor, ...]:
        """Positions, momenta, gradients and log-densities after some leapfrog steps."""
        if self.library is not None:
            return self.library.advanced(state, self.scales, step, count)
        size = self.density.like.new_tensor(step)
        for _ in range(count):
            state = self.leapfrog(*state[:3], self.scales, size)
        return state

    def _search(self, noise: Noise) -> None:
        """Starts the adaptation from a step size at which the acceptance passes .8.

        The step is doubled or halved until the mean acceptance over chains passes from one side of
        .8 to the other (Hoffman and Gelman 2014, algorithm 4).
        """
        assert self.state is not None
        momenta, step = noise.normal(self.state.positions.shape), self.step_size.step
        grows: bool | None = None
        for _ in range(MOST_DOUBLINGS):
            moved = self._trajectory(self.state, momenta, 1, step)
            accepts = float(acceptance_of(moved.before, moved.after).mean()) > PASSING
            if grows is not None and accepts != grows:
                break
            grows = accepts
            step = step * 2.0 if grows else step / 2.0
        self.step_size = StepSize.start(step)

    def _adapt(self, acceptance: float, noise: Noise) -> None:
        """Adapts the step size, and at the end of a window the metric."""
        assert self.state is not None
        done = self.iteration + 1
        self.step_size = self.step_size.adapted(acceptance, self.options.target, POOLED_GAMMA)
        if self.ends and done <= self.ends[-1]:
            self.moments.add(*(_array(own) for own in self.state[:2]))
        if done in self.ends:
            scales = self.moments.scales(_array(self.scales))
            self.scales = torch.as_tensor(scales).to(self.scales)
            self.moments = PooledMoments(self.density.size)
            self._search(noise)
        if done == self.options.warmup:
            self.step_size = StepSize.start(self.step_size.final)

    def _write(self, moved: Moved, acceptance: Tensor, count: int, step: float) -> None:
        """Writes the states of all chains with what is known of the transition."""
        assert self.state is not None and self._draws is not None
        self._draws.record_all(
            self.iteration,
            _array(self.state.positions),
            log_density=_array(self.state.values),
            energy=_array(moved.before),
            acceptance=_array(acceptance),
            step_size=step,
            leapfrogs=count,
            divergent=_array((moved.after - moved.before) > DIVERGENT),
        )

    def tensors(self) -> dict[str, Tensor]:
        """The state of the chains, as tensors of a checkpoint."""
        assert self.state is not None
        arrays = {"step_size": np.array(astuple(self.step_size)), **self.moments.arrays()}
        found = {name: torch.as_tensor(value) for name, value in arrays.items()}
        found |= {name: value.cpu() for name, value in self.state._asdict().items()}
        return {**found, "iteration": torch.tensor(self.iteration), "scales": self.scales.cpu()}

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Sets the state of the chains."""
        like = self.density.like
        self.iteration = int(stored["iteration"])
        self.state = State(*(stored[name].to(like) for name in State._fields))
        self.step_size = StepSize(*map(float, stored["step_size"]))
        self.scales = stored["scales"].to(like)
        self.moments.set({name: stored[name].numpy() for name in self.moments.arrays()})


class Moved(NamedTuple):
    """The ends of trajectories, with the energies at their starts and at their ends."""

    state: State
    before: Tensor
    after: Tensor


def leapfrog_of(density: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """A leapfrog step with a density (Neal 2011, equations 5.18 to 5.20).

        p' = p + s/2 L g(q);  q' = q + s L p';  p'' = p' + s/2 L g(q')

    It maps q, p, g(q), L and s to q', p'', g(q') and log p(q').
    """

    def leapfrog(
        positions: Tensor, momenta: Tensor, gradients: Tensor, scales: Tensor, step: Tensor
    ) -> tuple[Tensor, ...]:
        middle = momenta + 0.5 * step * scales * gradients
        after = positions + step * scales * middle
        slopes, values = density(after)
        return after, middle + 0.5 * step * scales * slopes, slopes, values

    return leapfrog


def acceptance_of(before: Tensor, after: Tensor) -> Tensor:
    """The probability of acceptance, min(1, exp(H before - H after))."""
    return (before - after).clamp_max(0.0).exp()


def _known(values: Tensor) -> Tensor:
    """Log-densities, -inf where they are not a number or inf."""
    return torch.where(values < math.inf, values, -math.inf)


def _energy(values: Tensor, momenta: Tensor) -> Tensor:
    """H = -log p(q) + |p|^2 / 2 of each chain; inf if it is not a number."""
    energy = 0.5 * (momenta**2).sum(-1) - _known(values)
    return torch.where(energy.isnan(), math.inf, energy)


def _chosen(accepted: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """The new values of the chains that accept them, and the old ones of the others."""
    return torch.where(accepted if new.ndim == 1 else accepted[:, None], new, old)


def _array(values: Tensor) -> Array:
    found: Array = values.double().cpu().numpy()
    return found
