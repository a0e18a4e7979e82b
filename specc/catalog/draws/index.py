"""The draws that exist, each in the module of its name, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from specc.catalog.objective import Draw

NAMES = ("delta", "enumerate", "integrate", "pathwise", "score")


def names() -> tuple[str, ...]:
    """All of them, in alphabetical order."""
    return NAMES


def contains(name: str) -> bool:
    """Whether there is one of that name."""
    return name in NAMES


def draw(name: str) -> Draw:
    """The entry of that name; KeyError if there is none."""
    if name not in NAMES:
        raise KeyError(name)
    entry: Draw = import_module(f"{__package__}.{name}").ENTRY
    return entry
