"""Data-dependent control flow: computations that a graph of fixed operations cannot contain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_recordings: list[list[str]] = []


@contextmanager
def recording_data_dependence() -> Iterator[list[str]]:
    """A context with a list, to which every computation with such control flow adds its reason."""
    reasons: list[str] = []
    _recordings.append(reasons)
    try:
        yield reasons
    finally:
        _recordings.pop()


def data_dependent(reason: str) -> None:
    """States that the number of operations that follow depends on data; `reason` is a clause."""
    for reasons in _recordings:
        reasons.append(reason)
