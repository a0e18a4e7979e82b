"""Equations whose solution was not found: NaN in its place, and a word to whoever listens.

What was not found must not pass for a number. A NaN spoils the row that it belongs to and nothing
else, and stands in compiled code as well; training skips a step with one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_listeners: list[Callable[[str, int], None]] = []


@contextmanager
def listening(tell: Callable[[str, int], None]) -> Iterator[None]:
    """Inside, `tell` is called where solutions are not found: with what happened, and how often."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


def only(found: Tensor, value: Tensor, possible: Tensor, otherwise: str) -> Tensor:
    """`value` where it was `found`, and NaN elsewhere.

    `possible` says where there is an equation at all: what goes in may be no number already.
    """
    if _listeners and not torch.compiler.is_compiling():
        count = int((possible & ~found).sum())
        for tell in _listeners if count else ():
            tell(otherwise, count)
    return torch.where(found, value, torch.nan)
