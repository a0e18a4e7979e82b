"""Transitions of the no-U-turn sampler in the library of a log-density: see `trees.hpp`."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SOURCE = Path(__file__).with_name("trees.hpp")

UNIFORM = 32
"""Uniform numbers of a transition that are drawn at once, beside those of a step."""

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


class Trees:
    """The trajectories of several chains, which grow together."""

    def __init__(
        self, library: ctypes.PyDLL, table: ctypes.Array[ctypes.c_void_p], chains: int
    ) -> None:
        self._library, self._table = library, table
        self._made = ctypes.c_void_p(library.trees_create(chains))
        weakref.finalize(self, library.trees_delete, self._made)
        self._random: dict[int, np.random.Generator] = {}

    def begin(self, number: int, start: Beginning, random: np.random.Generator) -> None:
        """Begins a transition of a chain, with the uniform numbers that a generator makes next."""
        uniform = random.random(UNIFORM + start.max_depth)
        self._random[number] = random
        self._library.trees_begin(
            self._made,
            number,
            _address(start.position),
            _address(start.gradient),
            start.value,
            _address(start.momentum),
            start.step,
            _address(start.factor),
            int(start.factor.ndim == 2),
            start.max_depth,
            _address(uniform),
            len(uniform),
        )

    def grow(self) -> Iterator[int]:
        """Makes steps until a transition ends; yields the chains whose transition has ended."""
        while True:
            self._library.trees_grow(self._made, self._table)
            ended = []
            for number, random in self._random.items():
                status = self._library.trees_status(self._made, number)
                if status == ENDED:
                    ended.append(number)
                elif status == PAUSES:
                    uniform = random.random(1024)
                    self._library.trees_refill(self._made, number, _address(uniform), len(uniform))
            for number in ended:
                del self._random[number]
            if ended:
                yield from ended
                return

    def end(self, number: int, size: int) -> End:
        """The result of a transition that has ended."""
        position, gradient, numbers = np.empty(size), np.empty(size), np.empty(6)
        addresses = map(_address, (position, gradient, numbers))
        self._library.trees_end(self._made, number, *addresses)
        value, energy, depth, leapfrogs, acceptance, divergent = numbers.tolist()
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


def _address(array: Array) -> int:
    """The address of the numbers of an array without gaps."""
    assert array.flags.c_contiguous and array.dtype == np.float64
    return array.ctypes.data


def declare(library: ctypes.PyDLL) -> None:
    """Declares the types of the arguments."""
    pointer, long, number = ctypes.c_void_p, ctypes.c_long, ctypes.c_double
    library.trees_create.argtypes, library.trees_create.restype = [long], pointer
    library.trees_delete.argtypes, library.trees_delete.restype = [pointer], None
    library.trees_begin.argtypes = [
        *(pointer, long, pointer, pointer, number, pointer, number, pointer, long, long),
        *(pointer, long),
    ]
    library.trees_refill.argtypes = [pointer, long, pointer, long]
    library.trees_grow.argtypes = [pointer, pointer]
    library.trees_status.argtypes, library.trees_status.restype = [pointer, long], long
    library.trees_end.argtypes = [pointer, long, pointer, pointer, pointer]
    for function in (library.trees_begin, library.trees_refill, library.trees_grow):
        function.restype = None
    library.trees_end.restype = None
