"""The first batch of a run, from which some bijections take their start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

_active = False


@contextmanager
def starting() -> Iterator[None]:
    """Inside, bijections that start from data set their parameters from the values they see.

    One loss computed inside it on the first batch of a new run starts them all; elsewhere they are
    plain maps.
    """
    global _active
    before, _active = _active, True
    try:
        yield
    finally:
        _active = before


def is_starting() -> bool:
    """Whether the caller runs inside `starting()`."""
    return _active


def wants_start(module: nn.Module) -> bool:
    """Whether some part of a module starts from data."""
    return any(getattr(part, "starts_from_data", False) for part in module.modules())
