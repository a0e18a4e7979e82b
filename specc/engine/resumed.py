"""A run under a spec that is not quite the one it began with."""

from __future__ import annotations

from specc.runtime.manifest import Manifest
from specc.verdict import Module, Side


def side(manifest: Manifest) -> Side:
    """A manifest as `specc.verdict` looks at it."""
    modules = {
        name: Module(own.erased, own.inputs, own.columns) for name, own in manifest.modules.items()
    }
    return Side(manifest.digests, manifest.parameters, modules, manifest.fixed)
