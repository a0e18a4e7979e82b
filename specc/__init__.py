"""A compiler for deep generative models: `load` a spec, train it, use the run."""

from specc.api import Model, Run, SpecError, load, open_run
from specc.version import VERSION

__version__ = VERSION

__all__ = ["Model", "Run", "SpecError", "__version__", "load", "open_run"]
