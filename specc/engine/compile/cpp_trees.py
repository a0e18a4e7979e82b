"""Transitions of the no-U-turn sampler in the library of a log-density: see `trees.hpp`."""

from __future__ import annotations

import ctypes
import weakref
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SOURCE = Path(__file__).with_name("trees.hpp")

UNIFORM, MORE = 32, 1024
"""Uniform numbers that are drawn at first, beside those of a step, and whenever they run short."""

PAUSES = 2
"""The status of a chain that needs more uniform numbers."""

ENDED = 0


class Beginning(NamedTuple):
    """The start of a trajectory: a point with its density, and how it moves.

    `factor` is that of the metric, [size] or [size, size].
    """

    position: Array
    gradient: Array
    value: float
    momentum: Array
    step: float
    factor: Array
    max_depth: int


class End(NamedTuple):
    """The next state of a chain, and what is known of its trajectory."""

    position: Array
    gradient: Array
    value: float
    energy: float
    depth: int
    leapfrogs: int
    acceptance_sum: float
    is_divergent: bool


class _Memory:
    """Arrays that Python and C++ share for a chain; their addresses take long to find."""

    def __init__(self, size: int) -> None:
        self.begun, self.ended, self.numbers = np.empty((3, size)), np.empty((2, size)), np.empty(6)
        self.uniform = np.empty(0)
        self.factor: Array | None = None
        self.addresses = tuple(own.ctypes.data for own in (self.begun, self.ended, self.numbers))
        self.of_uniform = self.of_factor = 0

    def draw(self, random: np.random.Generator, count: int) -> None:
        """Draws uniform numbers."""
        if len(self.uniform) != count:
            self.uniform = np.empty(count)
            self.of_uniform = self.uniform.ctypes.data
        random.random(out=self.uniform)

    def hold(self, factor: Array) -> None:
        """Keeps the factor of a metric."""
        if factor is not self.factor:
            self.factor = np.ascontiguousarray(factor)
            self.of_factor = self.factor.ctypes.data


class Trees:
    """The trajectories of several chains, which grow together."""

    def __init__(
        self,
        library: ctypes.PyDLL,
        table: ctypes.Array[ctypes.c_void_p],
        chains: int,
        size: int,
    ) -> None:
        self._library, self._table = library, table
        self._made = ctypes.c_void_p(library.trees_create(chains))
        weakref.finalize(self, library.trees_delete, self._made)
        self._random: dict[int, np.random.Generator] = {}
        self._memory = [_Memory(size) for _ in range(chains)]
        self._status = np.zeros(chains, dtype=np.int64)
        self._of_status = self._status.ctypes.data

    def begin(self, number: int, start: Beginning, random: np.random.Generator) -> None:
        """Begins a transition of a chain, with the uniform numbers that a generator makes next."""
        memory = self._memory[number]
        begun = memory.begun
        begun[0], begun[1], begun[2] = start.position, start.gradient, start.momentum
        count = UNIFORM + start.max_depth
        memory.draw(random, count)
        memory.hold(start.factor)
        self._random[number] = random
        self._library.trees_begin(
            self._made,
            number,
            memory.addresses[0],
            start.value,
            start.step,
            memory.of_factor,
            start.factor.ndim == 2,
            start.max_depth,
            memory.of_uniform,
            count,
        )

    def grow(self) -> list[int]:
        """Makes steps until a transition ends; the chains whose transition has ended."""
        while True:
            self._library.trees_grow(self._made, self._table, self._of_status)
            status = self._status.tolist()
            for number in [n for n in self._random if status[n] == PAUSES]:
                memory = self._memory[number]
                memory.draw(self._random[number], MORE)
                self._library.trees_refill(self._made, number, memory.of_uniform, MORE)
            ended = [n for n in self._random if status[n] == ENDED]
            for number in ended:
                del self._random[number]
            if ended:
                return ended

    def end(self, number: int) -> End:
        """The result of a transition that has ended."""
        memory = self._memory[number]
        self._library.trees_end(self._made, number, *memory.addresses[1:])
        value, energy, depth, leapfrogs, acceptance, divergent = memory.numbers.tolist()
        position, gradient = memory.ended.copy()
        return End(
            position,
            gradient,
            value,
            energy,
            int(depth),
            int(leapfrogs),
            acceptance,
            bool(divergent),
        )


def declare(library: ctypes.PyDLL) -> None:
    """Declares the types of the arguments."""
    pointer, long, number = ctypes.c_void_p, ctypes.c_long, ctypes.c_double
    library.trees_create.argtypes, library.trees_create.restype = [long], pointer
    library.trees_delete.argtypes, library.trees_delete.restype = [pointer], None
    library.trees_begin.argtypes = [
        *(pointer, long, pointer, number, number, pointer, long, long, pointer, long)
    ]
    library.trees_refill.argtypes = [pointer, long, pointer, long]
    library.trees_grow.argtypes = [pointer, pointer, pointer]
    library.trees_end.argtypes = [pointer, long, pointer, pointer]
    for function in (library.trees_begin, library.trees_refill, library.trees_grow):
        function.restype = None
    library.trees_end.restype = None
