"""Chains that advance together: the densities of all of them are computed in one call.

Each chain is a coroutine. In a round every chain receives the density at the position that it asked
for, and asks for the next one. Chains do not wait for each other at the end of a transition.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from specc.engine.compile.cpp_trees import Beginning, Trees
from specc.engine.samplers.chain import Chain, Options
from specc.engine.samplers.dynamics import Array, Evaluated, Metric, Point
from specc.engine.samplers.no_u_turn import Transition
from specc.engine.samplers.start import START, TRIES, NoStart

NOTHING = np.zeros(4, dtype=np.uint64)
"""The buffer of a generator that has made no numbers."""

Density = Callable[[Array], tuple[list[float], Array]]
"""The log-densities at positions [chains, size], and their gradients."""

Record = Callable[[int, int, Transition, float], None]
"""Called after a transition, with the chain, the number, the result and the step size."""


class Sampling:
    """Chains of a sampler with their transitions."""

    def __init__(self, density: Density, size: int, options: Options, seed: int) -> None:
        """Chains before their start.

        Args:
            density: The target.
            size: The number of coordinates.
            options: The options of the sampler.
            seed: The seed of all random numbers, less than 2^64.

        """
        self.density, self.options, self.seed = density, options, seed
        self.chains = [
            Chain(options, size, partial(self._random, number)) for number in range(options.chains)
        ]
        self.positions = np.zeros((options.chains, size))
        self._asking: dict[int, Evaluated[None]] = {}
        self._trees: Trees | None = None
        self._growing: set[int] = set()
        self._generators: dict[int, np.random.Generator] = {}

    def _random(self, chain: int, iteration: int) -> np.random.Generator:
        """The random numbers of a transition of a chain; iteration -1 is the start.

        A chain has one generator, which starts again for each transition.
        """
        key = np.array([self.seed, chain], dtype=np.uint64)
        counter = np.array([0, 0, 0, iteration + 1], dtype=np.uint64)
        if chain not in self._generators:
            self._generators[chain] = np.random.Generator(np.random.Philox(key=key))
        found = self._generators[chain]
        # A new generator takes longer than a transition of a small model.
        found.bit_generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": counter, "key": key},
            "buffer": NOTHING,
            "buffer_pos": len(NOTHING),
            "has_uint32": 0,
            "uinteger": 0,
        }
        return found

    def start(self) -> None:
        """Finds a start with a positive density for each chain; raises NoStart."""
        random = [self._random(number, -1) for number in range(len(self.chains))]
        missing = list(range(len(self.chains)))
        for _ in range(TRIES):
            for number in missing:
                self.positions[number] = random[number].uniform(
                    -START, START, self.positions.shape[1]
                )
            values, gradients = self.density(self.positions)
            for number in missing:
                if values[number] > -np.inf and bool(np.isfinite(gradients[number]).all()):
                    position = self.positions[number].copy()
                    self.chains[number].point = Point(position, values[number], gradients[number])
            missing = [number for number in missing if self.chains[number].point is None]
            if not missing:
                return
        raise NoStart(missing[0], self.positions[missing[0]])

    def begin(self, record: Record, trees: Trees | None = None) -> None:
        """Begins the transitions of all chains, from where they are.

        With `trees` in C++ a chain asks for densities between transitions alone.
        """
        self._trees = trees
        for number, chain in enumerate(self.chains):
            assert chain.point is not None
            self.positions[number] = chain.point.position
            if trees is not None:
                chain.transition = partial(self._grown, number)
            coroutine = chain.transitions(partial(record, number))
            self._answer(number, coroutine, None)

    def advance(self, number: int) -> None:
        """Rounds until every chain has ended `number` transitions."""
        # A trajectory may leave the numbers of its type; its energy is infinite then.
        with np.errstate(over="ignore", invalid="ignore"):
            while any(self.chains[chain].iteration < number for chain in self._asking):
                waiting = [chain for chain in self._asking if chain not in self._growing]
                if not waiting:
                    self._grow()
                    continue
                values, gradients = self.density(self.positions)
                for chain in waiting:
                    self._answer(chain, self._asking[chain], (values[chain], gradients[chain]))

    def _grow(self) -> None:
        """Lets all trajectories grow until one has ended, and its chain go on."""
        assert self._trees is not None
        for chain in self._trees.grow():
            self._growing.discard(chain)
            self._answer(chain, self._asking[chain], (0.0, self.positions[chain]))

    def _grown(
        self,
        number: int,
        point: Point,
        step: float,
        metric: Metric,
        random: np.random.Generator,
        max_depth: int,
    ) -> Evaluated[Transition]:
        """A transition whose trajectory grows in C++; it is answered once that has ended."""
        assert self._trees is not None
        momentum = random.standard_normal(point.position.shape)
        start = Beginning(
            point.position,
            point.gradient,
            point.log_density,
            momentum,
            step,
            metric.factor,
            max_depth,
        )
        self._trees.begin(number, start, random)
        self._growing.add(number)
        yield point.position
        end = self._trees.end(number)
        after = Point(end.position, end.value, end.gradient)
        return Transition(
            after,
            end.energy,
            end.depth,
            end.leapfrogs,
            end.acceptance_sum,
            end.is_divergent,
        )

    def _answer(
        self, number: int, coroutine: Evaluated[None], answer: tuple[float, Array] | None
    ) -> None:
        """Sends a chain the density that it asked for, and keeps what it asks for next."""
        try:
            self.positions[number] = next(coroutine) if answer is None else coroutine.send(answer)
            self._asking[number] = coroutine
        except StopIteration:
            self._asking.pop(number, None)
