"""The sources there are, by name; each one's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from specc.catalog.source import Source

_NAMES = (
    "counts",
    "csv",
    "digits",
    "idx",
    "images",
    "json",
    "mnist",
    "npy",
    "npz",
    "parquet",
    "toy",
)


def names() -> tuple[str, ...]:
    """The names of all sources, sorted."""
    return _NAMES


def contains(name: str) -> bool:
    """Whether there is a source of this name."""
    return name in _NAMES


def source(name: str) -> Source:
    """The source of this name. Raises `KeyError` where there is none."""
    if not contains(name):
        raise KeyError(name)
    entry: Source = import_module(f"{__package__}.{name}").ENTRY
    return entry


def by_ending() -> dict[str, str]:
    """The source that reads a file, by the ending of its name."""
    return {ending: name for name in _NAMES for ending in source(name).endings}
