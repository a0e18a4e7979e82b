"""The numbers of rows and particles that one chunk of an evaluation computes.

They follow from the largest tensor of a small probe, and not from a clock or from the free memory,
so an evaluation repeats to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

BUDGET = 4 << 20
"""Bytes of the largest tensor; a few of that size fit into the last cache of a processor.

Importance weights of a 40-500-500-784 decoder on one core of 2.6 GHz, at 1, 4, 8 and 32 MB:
54, 48, 42 and 39 thousand per second; the matrix products alone allow 60.
"""

GPU_BUDGET = 1 << 30

PARTICLES_FIRST = 256
"""Particles of one row before a chunk gets a second row, since they share the row's encoding."""


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """The number of rows in a chunk, and of particles of each row."""

    rows: int
    particles: int


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the bytes of the largest tensor that any operation creates."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes: int = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Otherwise torch imports its compiler, which takes as long as the import of torch.
        return False

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        known = {_storage(value) for value in args if isinstance(value, Tensor)}
        values = result if isinstance(result, (tuple, list)) else (result,)
        for value in values:
            # A view of an argument, such as a transposed weight, takes no memory.
            if isinstance(value, Tensor) and _storage(value) not in known:
                self.bytes = max(self.bytes, value.numel() * value.element_size())
        return result


def _storage(value: Tensor) -> int:
    return value.untyped_storage().data_ptr()


def largest(compute: Callable[[], object]) -> int:
    """The bytes of the largest tensor that `compute` creates."""
    recorder = _Largest()
    with recorder:
        compute()
    return recorder.bytes


def chunk_size_for(bytes_each: float, rows: int, particles: int, budget: int = BUDGET) -> ChunkSize:
    """The size of a chunk, if one particle of one row takes `bytes_each`."""
    both = max(1, int(budget / max(bytes_each, 1.0)))
    first = min(particles, max(1, min(both, PARTICLES_FIRST)))
    many_rows = max(1, min(rows, both // first))
    return ChunkSize(many_rows, min(particles, max(1, both // many_rows)))
