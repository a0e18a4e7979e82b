"""The kinds of causal links that a spec may use, by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from specc.catalog.causal import Causal

NAMES = ("causal_conv", "masked_conv", "masked_mlp")


def names() -> tuple[str, ...]:
    """Every kind, in alphabetical order."""
    return NAMES


def causal_link(name: str) -> Causal[Any]:
    """The entry of a kind; its file is imported only now. Raises `KeyError`."""
    if name not in NAMES:
        raise KeyError(name)
    return cast(Causal[Any], import_module(f"specc.catalog.causal_links.{name}").ENTRY)
