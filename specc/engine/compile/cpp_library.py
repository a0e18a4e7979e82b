"""A log-density with its gradient as a library of C++, with several chains in a vector.

A call of code that torch has compiled takes longer than the log-density of a small model, which is
a few hundred operations, and a recurrence of hundreds of steps takes minutes to compile. So such a
density is written as plain C++ (`cpp_statements`), in which the chains are the lanes of vectors,
and a trajectory is a loop.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.engine.compile import cpp_trees
from specc.engine.compile.cpp_compiler import compiled
from specc.engine.compile.cpp_loops import rolled
from specc.engine.compile.cpp_statements import declared, statements
from specc.engine.compile.cpp_trees import Trees
from specc.engine.compile.cpp_values import array
from specc.engine.compile.functional import UNSUPPORTED, decompositions, recorded
from specc.engine.compile.recording import Ambiguous, Operations, record
from specc.engine.step.player import NotCompiled

if TYPE_CHECKING:
    from torch.fx import GraphModule

KEPT = (torch.ops.aten.select_scatter.default, torch.ops.aten.slice_scatter.default)
"""Operations that torch would write as others, and that have code."""

LONG = 100_000
"""Characters of the density above which the gradient has no function without the value."""

SLOPES = """
static void slopes(const void* const* c, const V* q, V* g) {
  V v;
  density(c, q, g, &v);
}
"""

Array = NDArray[np.float64]

HEADER = Path(__file__).with_name("lanes.hpp")

LANES, WIDE = 4, 8
"""Chains in a vector, if there are several, and if there are many and vectors are wide enough."""

WIDE_VECTORS = "avx512f"
"""The flag of a processor with vectors of 8 numbers."""

ENTRY = """
extern "C" void evaluate(
    long chains, const void* const* c, const double* positions, double* gradients, double* values) {
  for (long first = 0; first < chains; first += LANES) {
    V q[SIZE], g[SIZE], v;
    load(chains, first, positions, q);
    density(c, q, g, &v);
    store(chains, first, g, gradients);
    for (long k = 0; k < LANES && first + k < chains; ++k) values[first + k] = LANE(v, k);
  }
}

extern "C" void advance(
    long chains, const void* const* c, long steps, double step, const double* scales,
    double* positions, double* momenta, double* gradients, double* values) {
  for (long first = 0; first < chains; first += LANES) {
    V q[SIZE], p[SIZE], g[SIZE], v;
    load(chains, first, positions, q);
    load(chains, first, momenta, p);
    load(chains, first, gradients, g);
    for (long number = 0; number < steps; ++number) {
      for (long i = 0; i < SIZE; ++i) p[i] += (0.5 * step * scales[i]) * g[i];
      for (long i = 0; i < SIZE; ++i) q[i] += (step * scales[i]) * p[i];
      if (number + 1 < steps) slopes(c, q, g);
      else density(c, q, g, &v);
      for (long i = 0; i < SIZE; ++i) p[i] += (0.5 * step * scales[i]) * g[i];
    }
    store(chains, first, q, positions);
    store(chains, first, p, momenta);
    store(chains, first, g, gradients);
    for (long k = 0; k < LANES && first + k < chains; ++k) values[first + k] = LANE(v, k);
  }
}
"""

LOADING = """
static void load(long chains, long first, const double* from, V* to) {
  for (long k = 0; k < LANES; ++k) {
    const double* own = from + (first + k < chains ? first + k : first) * SIZE;
    for (long i = 0; i < SIZE; ++i) LANE(to[i], k) = own[i];
  }
}

static void store(long chains, long first, const V* from, double* to) {
  for (long k = 0; k < LANES && first + k < chains; ++k)
    for (long i = 0; i < SIZE; ++i) to[(first + k) * SIZE + i] = LANE(from[i], k);
}
"""


def _operations(
    function: Callable[[Tensor], tuple[Tensor, ...]], example: Tensor
) -> GraphModule | Operations:
    """The operations of a function of one vector; raises NotCompiled if they depend on values."""
    forms = {name: form for name, form in decompositions().items() if name not in KEPT}
    try:
        return record(function, example, forms)
    except (Ambiguous, NotCompiled):
        return recorded(function, [example])  # torch knows shapes and which values share memory
    except UNSUPPORTED as error:
        raise NotCompiled("its operations depend on values") from error


def lanes_of(chains: int) -> int:
    """The number of chains in a vector on this machine."""
    if chains == 1:
        return 1
    return WIDE if chains >= WIDE and _has_wide_vectors() else LANES


@cache
def _has_wide_vectors() -> bool:
    try:
        return WIDE_VECTORS in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False


class Library:
    """Compiled code of a log-density and its gradient."""

    def __init__(
        self, function: Callable[[Tensor], tuple[Tensor, ...]], size: int, chains: int
    ) -> None:
        """Writes and compiles the code.

        Args:
            function: The gradient and the value, as a function of a position [size].
            size: The number of coordinates.
            chains: The number of chains, for several of which there are lanes.

        Raises NotCompiled, if it has an operation without code, or there is no compiler.

        """
        graph = _operations(function, torch.zeros(size, dtype=torch.float64))
        self.size, self.lanes = size, lanes_of(chains)
        self._constants: list[Tensor] = []
        parts = [self._part(graph, "density", (0, 1))]
        parts += [self._part(graph, "slopes", (0,)) if len(parts[0]) < LONG else SLOPES]
        head = f"#define LANES {self.lanes}\n#define SIZE {size}\n"
        lanes, trees = (path.read_text(encoding="utf-8") for path in (HEADER, cpp_trees.SOURCE))
        self.source = "".join((head, lanes, *parts, LOADING, ENTRY, trees))
        self._library = _declared(compiled(self.source))
        pointers = [own.data_ptr() for own in self._constants]
        self._table = (ctypes.c_void_p * max(1, len(pointers)))(*pointers)
        # The address of an array takes longer to find than the density of a small model.
        self._arrays = np.zeros((chains, size)), np.zeros((chains, size)), np.zeros(chains)
        self._addresses = tuple(own.ctypes.data for own in self._arrays)

    def _part(self, graph: GraphModule | Operations, name: str, outputs: tuple[int, ...]) -> str:
        """The function of some of the results; the table of constants goes on."""
        (vector,) = graph.graph.find_nodes(op="placeholder")
        code, found = statements(graph, outputs, {vector: array("q", (self.size,))})
        arguments = ", V* g" + (", V* v" if len(outputs) > 1 else "")
        first = len(self._constants)
        self._constants += code.constants
        ends = [f"g[{i}] = {found[0].at((i,))};" for i in range(self.size)]
        ends += [f"v[0] = {found[1].at(())};"] if len(outputs) > 1 else []
        body = [f"c += {first};", *declared(code), *rolled([*code.lines, *ends])]
        lines = "\n".join(f"  {line}" for line in body)
        return (
            f"\nstatic void {name}(const void* const* c, const V* q{arguments}) {{\n{lines}\n}}\n"
        )

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients [chains, size] and the values [chains] at positions."""
        inside = positions.contiguous()
        gradients, values = torch.empty_like(inside), inside.new_empty(len(inside))
        pointers = (own.data_ptr() for own in (inside, gradients, values))
        self._library.evaluate(len(inside), self._table, *pointers)
        return gradients, values

    def of_array(self, positions: Array) -> tuple[Array, list[float]]:
        """The same for arrays."""
        inside, gradients, values = self._arrays
        inside[:] = positions
        self._library.evaluate(len(inside), self._table, *self._addresses)
        return gradients.copy(), values.tolist()

    def trees(self, chains: int) -> Trees:
        """Trajectories of the no-U-turn sampler along the density."""
        return Trees(self._library, self._table, chains, self.size)

    def advanced(
        self, state: tuple[Tensor, ...], scales: Tensor, step: float, steps: int
    ) -> tuple[Tensor, ...]:
        """Positions, momenta, gradients [chains, size] and values after some leapfrog steps."""
        after = tuple(own.clone(memory_format=torch.contiguous_format) for own in state)
        pointers = (own.data_ptr() for own in (scales, *after))
        self._library.advance(len(after[0]), self._table, steps, step, *pointers)
        return after


def _declared(library: ctypes.PyDLL) -> ctypes.PyDLL:
    """The library with the types of the arguments of its functions."""
    pointer, long = ctypes.c_void_p, ctypes.c_long
    library.evaluate.argtypes = [long, pointer, pointer, pointer, pointer]
    library.advance.argtypes = [long, pointer, long, ctypes.c_double, *[pointer] * 5]
    library.evaluate.restype = library.advance.restype = None
    cpp_trees.declare(library)
    return library
