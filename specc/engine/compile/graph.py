"""Functions as compiled graphs, whose random numbers are drawn before and are inputs.

The numbers are drawn in the order of the eager function, so both use the same ones and their
results differ by rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import InductorError

from specc.engine.step.player import NotCompiled
from specc.runtime.noise import Noise
from specc.runtime.number import Number


@dataclass(frozen=True, slots=True)
class Request:
    """One draw of a step: the method of `Noise` and the shape."""

    kind: str
    shape: tuple[int, ...]


class Recording(Noise):
    """A noise that records its draws.

    Raises NotCompiled for draws whose distribution depends on parameters.
    """

    def __init__(self, noise: Noise) -> None:
        super().__init__(noise.generator, noise.dtype)
        self.requests: list[Request] = []

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal numbers."""
        self.requests.append(Request("normal", tuple(shape)))
        return super().normal(shape)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform numbers."""
        self.requests.append(Request("uniform", tuple(shape)))
        return super().uniform(shape)

    def exponential(self, shape: Sequence[int]) -> Tensor:
        """Exponential numbers."""
        self.requests.append(Request("exponential", tuple(shape)))
        return super().exponential(shape)

    def _fill(self, x: Number, shape: Sequence[int]) -> Tensor:
        del x, shape
        raise NotCompiled("it draws gamma, Poisson or binomial numbers")

    def classes(self, probs: Tensor, draws: int) -> Tensor:
        """Raises NotCompiled, because the distribution depends on `probs`."""
        del probs, draws
        raise NotCompiled("it draws multinomial counts")


class Given(Noise):
    """A noise that returns numbers drawn before, in order."""

    def __init__(self, numbers: Sequence[Tensor], dtype: torch.dtype) -> None:
        self.numbers, self.next, self.dtype = numbers, 0, dtype

    def _take(self, shape: Sequence[int]) -> Tensor:
        del shape
        self.next += 1
        return self.numbers[self.next - 1]

    normal = uniform = exponential = _take

    def zeros(self, shape: Sequence[int]) -> Tensor:
        """Zeros on the device of the numbers; nothing is drawn."""
        device = self.numbers[0].device if self.numbers else None
        return torch.zeros(tuple(shape), dtype=self.dtype, device=device)


def compile_without_guards(
    function: Callable[..., Any], inputs: Sequence[object], on_cpu: bool
) -> Callable[..., Any]:
    """The function compiled for inputs like these, without guards.

    The caller ensures that shapes and types match. On a CPU the kernels are called from C++, which
    takes a third of the time of calls from Python for small networks.

    Raises NotCompiled, with the reason, if torch cannot compile it.
    """
    options: dict[str, Any] = {"size_asserts": False, "cpp_wrapper": on_cpu}
    if torch._inductor.config.force_disable_caches:
        raise NotCompiled("torch's caches are switched off, and a call without guards needs them")
    try:
        compiled = torch.compile(function, fullgraph=True, dynamic=False, options=options)
        with torch._dynamo.config.patch(trace_autograd_ops=True):
            made: Any = compiled.aot_compile((tuple(inputs), {}))  # type: ignore[attr-defined]
    except (TorchDynamoException, InductorError) as error:
        cause = getattr(error, "inner_exception", error)
        line = str(cause).strip().partition("\n")[0]
        raise NotCompiled(f"torch raises {type(cause).__name__}: {line}") from error
    made.disable_guard_check()
    result: Callable[..., Any] = made
    return result
