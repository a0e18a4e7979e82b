"""The kinds of bijections that a spec may push a node through, by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from specc.catalog.bijection import Bijection

NAMES: tuple[str, ...] = (
    "actnorm",
    "affine",
    "exp",
    "glow",
    "iaf",
    "implicit",
    "invertible",
    "maf",
    "nice",
    "nsf",
    "permutation",
    "planar",
    "radial",
    "realnvp",
    "residual",
    "sigmoid",
    "softplus",
    "tanh",
)


def names() -> tuple[str, ...]:
    """Every kind, in alphabetical order."""
    return NAMES


def bijection(name: str) -> Bijection[Any]:
    """The entry of a kind; its file is imported only now. Raises `KeyError`."""
    if name not in NAMES:
        raise KeyError(name)
    return cast(Bijection[Any], import_module(f"specc.catalog.bijections.{name}").ENTRY)
