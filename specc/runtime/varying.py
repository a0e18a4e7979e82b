"""Computations whose length depends on their numbers: no graph of fixed operations holds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_watchers: list[list[str]] = []


@contextmanager
def watching() -> Iterator[list[str]]:
    """Inside, a list grows by what says of itself that its length varies, in words."""
    reasons: list[str] = []
    _watchers.append(reasons)
    try:
        yield reasons
    finally:
        _watchers.pop()


def varies(why: str) -> None:
    """Says that what follows is of another length for other numbers; `why` is a sentence's half."""
    for reasons in _watchers:
        reasons.append(why)
