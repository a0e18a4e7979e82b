"""How many rows and particles fit at once: found by looking at a small piece of the work.

The sizes follow from the largest tensor that the piece makes, never from a clock or from the memory
that happens to be free, so that a figure can be repeated to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

BUDGET = 4 << 20
"""Bytes of the largest tensor; a few of them stay in a processor's last cache.

Importance weights of a 40-500-500-784 decoder on one core of 2.6 GHz, at 1, 4, 8 and 32 MB:
54, 48, 42 and 39 thousand a second, where the products of matrices alone make 60.
"""

GPU_BUDGET = 1 << 30

PARTICLES_FIRST = 256
"""Particles share a row's encoding, so a piece has many of them before it has a second row."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows and the particles of each that are computed at once."""

    rows: int
    particles: int


class _Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the bytes of the largest tensor that any operation makes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes: int = 0

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
            # A view of what was there before, such as a transposed weight, takes no memory.
            if isinstance(value, Tensor) and _storage(value) not in known:
                self.bytes = max(self.bytes, value.numel() * value.element_size())
        return result


def _storage(value: Tensor) -> int:
    return value.untyped_storage().data_ptr()


def largest(compute: Callable[[], object]) -> int:
    """The bytes of the largest tensor that `compute` makes."""
    watch = _Largest()
    with watch:
        compute()
    return watch.bytes


def piece_for(bytes_each: float, rows: int, particles: int, budget: int = BUDGET) -> Piece:
    """A piece of the work, where one particle of one row takes `bytes_each`."""
    both = max(1, int(budget / max(bytes_each, 1.0)))
    first = min(particles, max(1, min(both, PARTICLES_FIRST)))
    many_rows = max(1, min(rows, both // first))
    return Piece(many_rows, min(particles, max(1, both // many_rows)))
