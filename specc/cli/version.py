"""The version of specc that is installed."""

from __future__ import annotations


def version() -> str:
    """The version of the installed distribution, or `unknown` in a bare source tree."""
    from importlib import metadata

    try:
        return metadata.version("specc")
    except metadata.PackageNotFoundError:
        return "unknown"
