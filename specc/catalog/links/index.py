"""The kinds of links that a spec may use, by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from specc.catalog.link import Link

NAMES = ("conv", "deconv", "gru", "layers", "linear", "mlp", "resnet")


def names() -> tuple[str, ...]:
    """Every kind, in alphabetical order."""
    return NAMES


def link(name: str) -> Link[Any]:
    """The entry of a kind; its file is imported only now. Raises `KeyError`."""
    if name not in NAMES:
        raise KeyError(name)
    return cast(Link[Any], import_module(f"specc.catalog.links.{name}").ENTRY)
