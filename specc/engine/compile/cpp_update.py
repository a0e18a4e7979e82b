"""An update of a small network as C++ of its own.

The kernels of a small network take less time than the calls of them: torch allocates a tensor for
each result and prepares each product of matrices. Here an update is one function, whose results are
static arrays and whose products are loops with sizes that the compiler knows (`products.hpp`).
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from specc.engine.compile.cpp_code import C_TYPES, Code
from specc.engine.compile.cpp_compiler import compiled
from specc.engine.compile.cpp_library import HEADER
from specc.engine.compile.cpp_statements import declared, statements
from specc.engine.compile.cpp_values import Shape, Value, array
from specc.engine.compile.functional import is_mutable, recorded
from specc.engine.step.player import NotCompiled

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

PRODUCTS = Path(__file__).with_name("products.hpp")

FLAGS = (
    "-fopenmp-simd",
    *(("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()),
)
"""The loops of `VECTORS` become vectors; at -O3 the compiler takes twice as long for no gain."""

TOLERANCE, TINY = 0.05, 1e-6
"""The difference from torch, relative and absolute, above which code is not used."""

MOST_OPERATIONS = 20_000
"""Recorded operations above which the compiler would take minutes."""

MOST_WORK = 5_000_000
"""Entries and products of an update above which the kernels of torch are as fast."""


class CppUpdate:
    """A function of tensors that returns some, and changes others in place."""

    def __init__(
        self,
        function: Callable[..., Sequence[Tensor]],
        inputs: Sequence[Tensor],
        held: Sequence[Tensor],
        read: Sequence[Tensor],
        changed: Sequence[Tensor],
        counts: Sequence[Tensor],
    ) -> None:
        """Records, writes and compiles the function.

        Args:
            function: A function of `inputs` and `held` that changes nothing. It returns the results
                of a call, the second of which is 1 if a number is not finite, and then the new
                value of each tensor that is changed.
            inputs: Tensors like those of each call.
            held: Tensors that are the same in each call.
            read: Other tensors that the function may read, the same in each call.
            changed: Those of `held` and `read` that are changed, unless a number is not finite.
            counts: Numbers that are raised by one with them.

        Raises NotCompiled, if it has an operation without code, if there is no compiler, and if
        a call with the inputs differs from the function.

        """
        graph = recorded(function, [*inputs, *held])
        if any(is_mutable(node) for node in graph.graph.nodes):
            raise NotCompiled("it changes tensors in place")
        if len(graph.graph.nodes) > MOST_OPERATIONS:
            raise NotCompiled("its operations are too many for code of its own")
        tensors = [*inputs, *held, *counts, *read]
        self._first, self._read, self._number = len(inputs), tuple(read), read[0].dtype
        names = {id(own): f"x{place}" for place, own in reversed([*enumerate(tensors)])}
        nodes = _nodes(graph, [*inputs, *held], read)
        values = {node: _input(names[id(own)], own, self._number) for node, own in nodes}
        ends = [names[id(own)] for own in changed], [names[id(own)] for own in counts]
        code, self._shapes = _body(graph, values, self._number, *ends)
        self.source = "\n".join(_source(code, tensors, len(self._shapes)))
        self._library = compiled(self.source, *FLAGS)
        self._library.update.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._library.update.restype = None
        self._constants = code.constants
        self._known = _addresses(code.constants)
        self._table = (ctypes.c_void_p * (len(tensors) + len(self._shapes)))()
        self.move(held, counts)
        self._check(function, inputs, held, [*changed, *counts])

    def _check(
        self,
        function: Callable[..., Sequence[Tensor]],
        inputs: Sequence[Tensor],
        held: Sequence[Tensor],
        changed: Sequence[Tensor],
    ) -> None:
        """Compares a call with the function itself; nothing is changed afterwards.

        The differences of all entries are compared together: an optimizer may make a step of a
        gradient that is rounding alone, and a rounding may flip a draw of a discrete variable.

        Raises NotCompiled if they differ by more than 5 %.
        """
        before = [own.detach().clone() for own in changed]
        wanted, results = function(*inputs, *held), self(inputs)
        found = [*results, *(own.detach().clone() for own in changed)]
        with torch.no_grad():
            for own, held_before in zip(changed, before, strict=True):
                own.copy_(held_before)
        start = [*(torch.zeros_like(own) for own in results), *before]
        if wanted[1]:  # a call that is not finite changes nothing
            wanted = [*wanted[: len(results)], *before]
        # The function does not return the counts.
        every = zip(found, wanted, start, strict=False)
        parts = [(_apart(a, b), _apart(b.nan_to_num(0.0, 0.0, 0.0), c)) for a, b, c in every]
        difference, size = (sum(own).item() for own in zip(*parts, strict=True))
        if not difference <= TOLERANCE * size + TINY:
            raise NotCompiled("its code gives other numbers than torch")

    def move(self, held: Sequence[Tensor], counts: Sequence[Tensor]) -> None:
        """Takes other tensors in the place of those that are the same in each call.

        Raises NotCompiled, if the entries of one are in another order.
        """
        self._fixed = (*held, *counts, *self._read)
        if not all(own.is_contiguous() for own in self._fixed):
            raise NotCompiled("the entries of a parameter are in another order")
        for number, own in enumerate(self._fixed, self._first):
            self._table[number] = own.data_ptr()

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The results; what is changed has its new values."""
        inside = [own.contiguous() for own in inputs]
        results = [torch.empty(shape, dtype=self._number) for shape in self._shapes]
        table, first = self._table, self._first + len(self._fixed)
        for place, own in enumerate(inside):
            table[place] = own.data_ptr()
        for place, own in enumerate(results, first):
            table[place] = own.data_ptr()
        self._library.update(table, self._known)
        return results


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """The sum of |a - b| over the entries that differ, not finite if only one of a pair is."""
    a, b = a.detach().double(), b.detach().double()
    is_same = (a == b) | (a.isnan() & b.isnan())
    return torch.where(is_same, 0.0, (a - b).abs()).sum()


def _addresses(tensors: Sequence[Tensor]) -> ctypes.Array[ctypes.c_void_p]:
    """The addresses of tensors; one more if there are none."""
    return (ctypes.c_void_p * max(1, len(tensors)))(*(own.data_ptr() for own in tensors))


def _nodes(
    graph: GraphModule, inputs: Sequence[Tensor], read: Sequence[Tensor]
) -> Iterator[tuple[Node, Tensor]]:
    """The nodes of tensors that a call may find changed."""
    yield from zip(graph.graph.find_nodes(op="placeholder"), inputs, strict=True)
    others = {id(own) for own in read}
    for node in graph.graph.find_nodes(op="get_attr"):
        own = getattr(graph, str(node.target))
        if id(own) in others:
            yield node, own


def _input(name: str, own: Tensor, number: torch.dtype) -> Value:
    """A tensor that is read, as numbers of the type of all others, or as truth values."""
    shape = tuple(own.shape)
    if own.dtype in (number, torch.bool):
        return array(name, shape, is_truth=own.dtype == torch.bool)
    if own.dtype == torch.int64:
        raw = array(name, shape)
        assert raw.flat is not None
        flat = raw.flat
        return Value(shape, lambda i: f"K({raw.at(i)})", flat=lambda i: f"K({flat(i)})")
    raise NotCompiled(f"it reads numbers of another type, {own.dtype}")


def _body(
    graph: GraphModule,
    values: Mapping[Node, Value],
    number: torch.dtype,
    changed: Sequence[str],
    counts: Sequence[str],
) -> tuple[Code, list[Shape]]:
    """The code of a call, and the shapes of its results, which are the arrays y0, y1, ..."""
    (end,) = graph.graph.find_nodes(op="output")
    code = Code(number, loops=True)
    _, found = statements(graph, range(len(end.args[0])), values, code, MOST_WORK)
    results, after = found[: -len(changed) or None], found[-len(changed) or len(found) :]
    new = [code.stored(own.shape, own.at) for own in after]
    for place, own in enumerate(results):
        code.assign(f"y{place}", own.shape, own.shape, lambda i: i, own.at)
    code.lines += ["if (is_outside) y0[0] = NAN, y1[0] = 1;", "if (y1[0] == 0) {"]
    for name, own in zip(changed, new, strict=True):
        code.assign(name, own.shape, own.shape, lambda i: i, own.at)
    code.lines += [*(f"{name}[0] += 1;" for name in counts), "}"]
    return code, [own.shape for own in results]


def _source(code: Code, tensors: Sequence[Tensor], results: int) -> Iterator[str]:
    """The lines of the file: `t` are the addresses of tensors and results, `c` of constants."""
    kind = C_TYPES[code.number]
    yield from ("#define LANES 1", "#define LOOPS", f"#define NUMBER {kind}")
    yield from (path.read_text(encoding="utf-8") for path in (HEADER, PRODUCTS))
    yield 'extern "C" void update(void* const* t, const void* const* c) {\n  is_outside = false;'
    kinds = [*(C_TYPES[own.dtype] for own in tensors), *[kind] * results]
    names = [*(f"x{place}" for place in range(len(tensors))), *(f"y{n}" for n in range(results))]
    for place, (name, own) in enumerate(zip(names, kinds, strict=True)):
        yield f"  {own}* const {name} = static_cast<{own}*>(t[{place}]);"
    yield from (f"  {line}" for line in (*declared(code), *code.lines))
    yield "}"
