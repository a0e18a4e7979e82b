"""Functions of tensors whose operations are recorded once, and compiled if that pays.

A function takes some seconds to compile. `compile: auto` times one call, and compiles the function
if the calls that are left take longer than that: as C++ of its own, if it has such a form, and else
by torch. The run records the choice, so a resumed run computes in the same way.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from specc.engine.compile.autotune import Choice
from specc.engine.step.player import NotCompiled

if TYPE_CHECKING:
    from torch.fx import GraphModule

UNSUPPORTED = (RuntimeError, TypeError, ValueError, AssertionError, OSError)
"""What torch raises for operations that it cannot record, and without a compiler."""

MIN_SECONDS_LEFT = 5.0
"""Seconds of calls below which nothing is compiled."""

MANY_OPERATIONS, MOST_OPERATIONS = 5_000, 100_000
"""Operations above which recording has to pay, and above which a function is not recorded."""

SECONDS_AN_OPERATION = 1.3e-3
"""The seconds to record an operation and to compile it as C++."""

SECONDS_BY_TORCH = 0.03
"""The seconds that torch takes to compile a recorded operation: 0.01 to 0.06."""

CALLS, FEW = 20, 3

Function = Callable[..., tuple[Tensor, ...]]


class _Count(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that are executed."""

    found = 0

    def __torch_dispatch__(
        self,
        called: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        self.found += 1
        return called(*args, **(kwargs or {}))


class Recorded:
    """A function of tensors of fixed shapes."""

    def __init__(
        self,
        function: Function,
        examples: tuple[Tensor, ...],
        in_turn: Function | None = None,
        build: Callable[[], Function] | None = None,
    ) -> None:
        """A function that is not recorded yet.

        Args:
            function: A function of tensors that returns several.
            examples: Inputs of the shapes of all calls.
            in_turn: Another form of the function, for operations that torch cannot compute for
                all chains at once.
            build: Compiles the function as C++ of its own; raises NotCompiled if it cannot.

        """
        self.examples, self.traced = examples, False
        self._called, self._in_turn, self._build = function, in_turn, build
        self._graph: GraphModule | None = None

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the function returns."""
        with torch.no_grad():
            return self._called(*inputs)

    def trace(self) -> None:
        """Records the operations, which saves the time of Python code.

        Raises NotCompiled, if the operations depend on values; the function is left as it is.
        """
        # Torch's tracing takes a second to import, and imports what it has itself deprecated.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from torch.fx.experimental.proxy_tensor import make_fx

        self.choose_form()
        called = self._called
        try:
            # Torch would count the `self` of a method among the arguments.
            graph = make_fx(lambda *inputs: called(*inputs))(*self.examples)
        except UNSUPPORTED as error:
            raise NotCompiled("its operations depend on values") from error
        graph.graph.eliminate_dead_code()
        graph.recompile()
        self._called = self._graph = graph
        self.traced = True

    def choose_form(self) -> None:
        """Takes the other form, if an operation cannot be computed for all chains at once."""
        if self._in_turn is None:
            return
        try:
            self._called(*self.examples)
        except UNSUPPORTED:
            self._called = self._in_turn

    @property
    def size(self) -> int:
        """The number of recorded operations."""
        return 0 if self._graph is None else len(self._graph.graph.nodes)

    def operations(self) -> int:
        """The number of operations of a call."""
        count = _Count()  # type: ignore[no-untyped-call]
        with count:
            self(*self.examples)
        return count.found

    def build(self) -> None:
        """Compiles the function as C++ of its own; raises NotCompiled if it has no such form."""
        if self._build is None:
            raise NotCompiled("it has no code of its own")
        self._called = self._build()

    def compile(self) -> None:
        """Compiles the recorded operations; raises NotCompiled if torch cannot."""
        if self._graph is None:
            raise NotCompiled("its operations depend on values")
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                from torch import _inductor

                compiled: Function = _inductor.compile(self._graph, list(self.examples))
                compiled(*self.examples)
        except UNSUPPORTED as error:
            raise NotCompiled(str(error).strip().splitlines()[0]) from error
        self._called = compiled

    def seconds(self, *, few: bool = False) -> float:
        """The seconds of one call: the minimum, since noise only adds time."""
        found = []
        for _ in range(FEW if few else CALLS):
            began = time.perf_counter()
            self(*self.examples)
            found.append(time.perf_counter() - began)
        return min(found)


def choose(function: Recorded, mode: str, calls: int) -> Choice:
    """Records the function, and compiles it under the mode `on`, and under `auto` if that pays.

    Raises NotCompiled if the mode is `on` and the function cannot be compiled.
    """
    function.choose_form()
    reason = _too_many(function, calls)
    if reason and mode != "on":
        return Choice(False, reason)
    if mode != "off":
        pays = mode == "on" or function.seconds(few=True) * calls > MIN_SECONDS_LEFT
        built = _built(function) if pays else None
        if built is not None:
            return built
    try:
        function.trace()
    except NotCompiled as reason:
        if mode == "on":
            raise
        return Choice(False, str(reason))
    if mode == "off":
        return Choice(False, "not requested")
    if mode == "on":
        function.compile()
        return Choice(True, "requested")
    return _timed(function, calls)


def _too_many(function: Recorded, calls: int) -> str:
    """Why the operations are not recorded; empty if they are few, or if it pays."""
    count = function.operations()
    if count > MOST_OPERATIONS:
        return f"its {count:,} operations are too many to record"
    left = calls * function.seconds(few=True) if count > MANY_OPERATIONS else math.inf
    if count * SECONDS_AN_OPERATION > left:
        return f"{left:.0f} s of calls are too few to record its {count:,} operations"
    return ""


def _built(function: Recorded) -> Choice | None:
    """Compiles the function as C++ of its own; None if it has no such form."""
    before, began = function.seconds(few=True), time.perf_counter()
    try:
        function.build()
    except NotCompiled:
        return None
    cost, after = time.perf_counter() - began, function.seconds()
    words = f"{after * 1e6:.0f} us a call against {before * 1e6:.0f} us"
    return Choice(True, f"{words}, {cost:.0f} s to compile as C++")


def _timed(function: Recorded, calls: int) -> Choice:
    """Compiles the function if its calls take longer than that."""
    recorded = function.seconds()
    left = recorded * calls
    if left < max(MIN_SECONDS_LEFT, SECONDS_BY_TORCH * function.size):
        return Choice(False, f"{left:.0f} s of calls are too few for it to pay")
    began = time.perf_counter()
    try:
        function.compile()
    except NotCompiled as reason:
        return Choice(False, str(reason))
    cost, compiled = time.perf_counter() - began, function.seconds()
    words = (
        f"{compiled * 1e6:.0f} us a call against {recorded * 1e6:.0f} us, {cost:.0f} s to compile"
    )
    return Choice(True, words)
