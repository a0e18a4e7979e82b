"""A log-density with its gradient as a library of C++, with several chains in a vector.

A call of code that torch has compiled takes longer than the log-density of a small model, which is
a few hundred operations, and a recurrence of hundreds of steps takes minutes to compile. So such a
density is written as plain C++ (`cpp_statements`), in which the chains are the lanes of vectors,
and a trajectory is a loop.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.engine.compile import cpp_trees
from specc.engine.compile.cpp_statements import declared, statements
from specc.engine.compile.cpp_trees import Trees
from specc.engine.compile.functional import made_functional
from specc.engine.step.player import NotCompiled

if TYPE_CHECKING:
    from torch.fx import GraphModule

UNSUPPORTED = (RuntimeError, TypeError, ValueError, AssertionError, OSError)
"""What torch raises for operations that it cannot record, and without a compiler."""

DECOMPOSED = (torch.ops.aten._log_softmax, torch.ops.aten._softmax)
"""Operations that are written as others, beside those that torch always writes so."""

Array = NDArray[np.float64]

HEADER = Path(__file__).with_name("lanes.hpp")

LANES, WIDE = 4, 8
"""Chains in a vector, if there are several, and if there are many and vectors are wide enough."""

WIDE_VECTORS = "avx512f"
"""The flag of a processor with vectors of 8 numbers."""

FLAGS = (
    *("-std=c++17", "-O2", "-ftree-vectorize", "-march=native", "-ffp-contract=fast"),
    *(
        "-fno-math-errno",
        "-fno-trapping-math",
        "-freciprocal-math",
        "-fno-signed-zeros",
        "-Wno-psabi",
    ),
)
SECONDS = 120.0
"""The longest time of the compiler."""

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


def recorded(function: Callable[[Tensor], tuple[Tensor, ...]], example: Tensor) -> GraphModule:
    """The operations of a function of one vector; raises NotCompiled if they depend on values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch._decomp import core_aten_decompositions, get_decompositions
        from torch._functorch.compile_utils import fx_graph_cse
        from torch._guards import TracingContext, tracing
        from torch._subclasses import FakeTensorMode
        from torch.func import functionalize
        from torch.fx.experimental.proxy_tensor import make_fx
    forms = {**core_aten_decompositions(), **get_decompositions(DECOMPOSED)}
    try:
        # Else torch makes a mode for the shapes of each operation, which takes half of the time.
        with tracing(TracingContext(FakeTensorMode(allow_fallback_kernels=True))):
            # Torch would count the `self` of a method among the arguments.
            graph = make_fx(lambda vector: function(vector), forms)(example)
            if not made_functional(graph.graph):
                graph = make_fx(functionalize(graph), forms)(example)
    except UNSUPPORTED as error:
        raise NotCompiled("its operations depend on values") from error
    graph.graph.eliminate_dead_code()
    return torch.fx.GraphModule(graph, fx_graph_cse(graph.graph))


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
        graph = recorded(function, torch.zeros(size, dtype=torch.float64))
        self.size, self.lanes = size, lanes_of(chains)
        self._constants: list[Tensor] = []
        parts = [self._part(graph, "density", (0, 1)), self._part(graph, "slopes", (0,))]
        head = f"#define LANES {self.lanes}\n#define SIZE {size}\n"
        lanes, trees = (path.read_text(encoding="utf-8") for path in (HEADER, cpp_trees.SOURCE))
        self.source = "".join((head, lanes, *parts, LOADING, ENTRY, trees))
        self._library = compiled(self.source)
        pointers = [own.data_ptr() for own in self._constants]
        self._table = (ctypes.c_void_p * max(1, len(pointers)))(*pointers)
        # The address of an array takes longer to find than the density of a small model.
        self._arrays = np.zeros((chains, size)), np.zeros((chains, size)), np.zeros(chains)
        self._addresses = tuple(own.ctypes.data for own in self._arrays)

    def _part(self, graph: GraphModule, name: str, outputs: tuple[int, ...]) -> str:
        """The function of some of the results; the table of constants goes on."""
        code, found = statements(graph, outputs)
        arguments = ", V* g" + (", V* v" if len(outputs) > 1 else "")
        first = len(self._constants)
        self._constants += code.constants
        ends = [f"g[{i}] = {found[0].at((i,))};" for i in range(self.size)]
        ends += [f"v[0] = {found[1].at(())};"] if len(outputs) > 1 else []
        body = [f"c += {first};", *declared(code), *code.lines, *ends]
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


def compiled(source: str) -> ctypes.PyDLL:
    """The library of some C++; raises NotCompiled without a compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise NotCompiled("there is no compiler of C++")
    with tempfile.TemporaryDirectory() as folder:
        text, library = Path(folder) / "density.cpp", Path(folder) / "density.so"
        text.write_text(source, encoding="utf-8")
        command = [compiler, *FLAGS, "-shared", "-fPIC", str(text), "-o", str(library)]
        for extra in ((*("-lmvec", "-lm"),), ("-lm",)):
            try:
                done = subprocess.run(
                    [*command, *extra], capture_output=True, text=True, timeout=SECONDS
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NotCompiled("the compiler of C++ failed") from error
            if not done.returncode:
                break
        else:
            raise NotCompiled(f"the compiler of C++ failed: {done.stderr.strip()[:200]}")
        found = ctypes.PyDLL(str(library))
    pointer, long = ctypes.c_void_p, ctypes.c_long
    found.evaluate.argtypes = [long, pointer, pointer, pointer, pointer]
    found.advance.argtypes = [long, pointer, long, ctypes.c_double, *[pointer] * 5]
    found.evaluate.restype = found.advance.restype = None
    cpp_trees.declare(found)
    return found
