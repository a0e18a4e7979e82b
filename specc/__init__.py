"""A compiler for deep generative models: `load` a spec, train it, use the run."""

from typing import TYPE_CHECKING

from specc.version import VERSION

if TYPE_CHECKING:
    from specc.api import Model, SpecError, diff, load
    from specc.run import Run, open_run

__version__ = VERSION

__all__ = ["Model", "Run", "SpecError", "__version__", "diff", "load", "open_run"]


def __getattr__(name: str) -> object:
    """The names of `specc.api` and `specc.run`, which are imported when one of them is used."""
    if name not in __all__:
        raise AttributeError(f"module 'specc' has no attribute '{name}'")
    from specc import api, run

    return getattr(run if name in ("Run", "open_run") else api, name)
