"""Failures of iterative solvers: NaN in place of a solution, and a report to listeners.

A NaN affects its row alone and works in compiled code, too; training skips a step with one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_listeners: list[Callable[[str, int], None]] = []


@contextmanager
def on_solver_failure(report: Callable[[str, int], None]) -> Iterator[None]:
    """A context in which `report` is called with the problem and the number of failures."""
    _listeners.append(report)
    try:
        yield
    finally:
        _listeners.remove(report)


def solution_or_nan(found: Tensor, value: Tensor, possible: Tensor, problem: str) -> Tensor:
    """`value` where the solver `found` a solution, NaN elsewhere.

    Elements that are not `possible`, such as those with NaN inputs, do not count as failures.
    """
    if _listeners and not torch.compiler.is_compiling():
        count = int((possible & ~found).sum())
        for report in _listeners if count else ():
            report(problem, count)
    return torch.where(found, value, torch.nan)
