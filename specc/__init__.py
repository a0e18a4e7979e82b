"""A compiler for deep generative models: `load` a spec, train it, use the run."""

from typing import TYPE_CHECKING

from specc.version import VERSION

if TYPE_CHECKING:
    from specc.api import Model, Run, SpecError, load, open_run

__version__ = VERSION

__all__ = ["Model", "Run", "SpecError", "__version__", "load", "open_run"]


def __getattr__(name: str) -> object:
    """The names of `specc.api`, which is imported when the first of them is used."""
    if name not in __all__:
        raise AttributeError(f"module 'specc' has no attribute '{name}'")
    from specc import api

    return getattr(api, name)
