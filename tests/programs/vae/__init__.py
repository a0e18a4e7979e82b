"""vae: a variational autoencoder, compiled from specs/vae.yaml."""

from __future__ import annotations

from pathlib import Path

from specc.runtime.program import Program

from .guide import Guide
from .model import Model
from .objective import loss

__all__ = ["Guide", "Model", "loss", "program"]


def program() -> Program:
    """The compiled spec with fresh parameters, ready to train."""
    return Program(Path(__file__).parent, model=Model(), guide=Guide(), losses={"loss": loss})
