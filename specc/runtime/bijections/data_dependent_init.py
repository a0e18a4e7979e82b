"""Data-dependent initialization of bijections, from the first batch of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

_active = False


@contextmanager
def initializing() -> Iterator[None]:
    """A context in which bijections with data-dependent initialization set their parameters.

    Computing the loss once inside it, on the first batch of a new run, initializes all of them.
    """
    global _active
    before, _active = _active, True
    try:
        yield
    finally:
        _active = before


def is_initializing() -> bool:
    """Whether the current code runs inside `initializing()`."""
    return _active


def needs_initialization(module: nn.Module) -> bool:
    """Whether a module contains a bijection with data-dependent initialization."""
    return any(getattr(part, "has_data_dependent_init", False) for part in module.modules())
