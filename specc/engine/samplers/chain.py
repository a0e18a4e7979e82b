"""A chain of the no-U-turn sampler with its adaptation: one coroutine for all its transitions."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from specc.engine.samplers import no_u_turn
from specc.engine.samplers.dynamics import Array, Evaluated, Evaluation, Metric, Point
from specc.engine.samplers.metric import Moments
from specc.engine.samplers.no_u_turn import Transition
from specc.engine.samplers.step_size import StepSize, reasonable_step
from specc.engine.samplers.warmup import window_ends


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a sampler.

    - `chains`: the number of chains.
    - `warmup`, `draws`: the number of transitions that adapt, and of those that are kept.
    - `target`: the mean probability of acceptance to which the step size adapts.
    - `max_depth`: the largest number of doublings of a trajectory.
    - `is_dense`: whether the metric has correlations.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    target: float = 0.8
    max_depth: int = 10
    is_dense: bool = False

    @property
    def total(self) -> int:
        """The number of transitions of a chain."""
        return self.warmup + self.draws


Record = Callable[[int, Transition, float], None]
"""Called after a transition with its number, counted from 0, its result and its step size."""


Transit = Callable[
    [Point, float, Metric, np.random.Generator, int], Generator[Array, Evaluation, Transition]
]
"""A transition with the arguments of `no_u_turn.transition`."""


class Chain:
    """The state of a chain between two transitions."""

    def __init__(
        self, options: Options, size: int, random: Callable[[int], np.random.Generator]
    ) -> None:
        """A chain before its first transition.

        Args:
            options: The options of the sampler.
            size: The number of coordinates.
            random: The random numbers of each transition by its number; the same numbers whenever
                it is called, so that a transition can be repeated.

        """
        self.options, self.random = options, random
        self.transition: Transit = no_u_turn.transition
        self.iteration = 0
        self.point: Point | None = None
        self.step_size = StepSize.start(1.0)
        shape = (size, size) if options.is_dense else (size,)
        self.metric = Metric(np.eye(size) if options.is_dense else np.ones(shape))
        self.moments = Moments(size, is_dense=options.is_dense)
        self.ends = window_ends(options.warmup)

    def transitions(self, record: Record) -> Evaluated[None]:
        """Every transition from the current one to the last."""
        while self.iteration < self.options.total:
            random = self.random(self.iteration)
            if self.iteration == 0:
                yield from self._search(random)
            assert self.point is not None
            step, depth = self.step_size.step, self.options.max_depth
            found = yield from self.transition(self.point, step, self.metric, random, depth)
            record(self.iteration, found, step)
            self.point = found.point
            if self.iteration < self.options.warmup:
                yield from self._adapt(found, random)
            self.iteration += 1

    def _search(self, random: np.random.Generator) -> Evaluated[None]:
        """Starts the adaptation of the step size from a reasonable one in the current metric."""
        assert self.point is not None
        momentum = random.standard_normal(self.point.position.shape)
        step = yield from reasonable_step(self.point, momentum, self.metric, self.step_size.step)
        self.step_size = StepSize.start(step)

    def _adapt(self, found: Transition, random: np.random.Generator) -> Evaluated[None]:
        """Adapts the step size, and at the end of a window the metric."""
        done = self.iteration + 1
        self.step_size = self.step_size.adapted(found.acceptance, self.options.target)
        if self.ends and done <= self.ends[-1]:
            self.moments.add(found.point)
        if done in self.ends:
            self.metric = self.moments.metric(self.metric)
            self.moments = Moments(len(found.point.position), is_dense=self.options.is_dense)
            yield from self._search(random)
        if done == self.options.warmup:
            self.step_size = StepSize.start(self.step_size.final)
