"""Calls of torch's optimizers that do not import its compiler.

Torch imports `torch._dynamo` when an optimizer is created and again in each step, since it excludes
them from compiled graphs; the import takes as long as that of torch itself. The functions below
call the same code without that import. If torch changes, they import it, too.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch

METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""The methods of an optimizer that torch excludes from compiled graphs."""

EXCLUDED = "__dynamo_disable"
"""The attribute of a function with its version that is excluded, once torch has made one."""


@contextmanager
def without_compiler() -> Iterator[None]:
    """A context in which these methods of optimizers are called as they are.

    It changes nothing if the compiler is imported already.
    """
    if "torch._dynamo" in sys.modules:
        yield
        return
    methods = [getattr(getattr(torch.optim.Optimizer, n), "__wrapped__", None) for n in METHODS]
    marked = [m for m in methods if m is not None and not hasattr(m, EXCLUDED)]
    for method in marked:
        setattr(method, EXCLUDED, method)
    try:
        yield
    finally:
        for method in marked:
            delattr(method, EXCLUDED)


@torch.no_grad()
def step(optimizer: torch.optim.Optimizer) -> None:
    """Makes one step, which calls no hooks."""
    kind: Any = type(optimizer)
    _plain_step(kind)(optimizer)


def load(optimizer: torch.optim.Optimizer, state: Mapping[int, Mapping[str, Any]]) -> None:
    """Sets the state of each parameter, by its number; the options stay as they are."""
    with without_compiler():
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": dict(state), "param_groups": groups})


@cache
def _plain_step(kind: Any) -> Callable[[torch.optim.Optimizer], Any]:  # noqa: ANN401 - hashable
    """The method `step` without its decorators."""
    found: Callable[[torch.optim.Optimizer], Any] = inspect.unwrap(kind.step)
    return found
