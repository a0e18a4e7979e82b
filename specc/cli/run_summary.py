"""A summary of a training run, printed before torch is imported."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from specc.language.schema.data import DataSpec

if TYPE_CHECKING:
    from specc.codegen.plan import Plan


def lines(plan: Plan, run: Path, resume: bool) -> list[str]:
    """The model, its data, the length of training, and the run folder: a line each."""
    from specc.codegen.tensors import parameters

    document = plan.graph.graph.spec.document
    count = sum(math.prod(shape) for _, shape in parameters(plan))
    train = document.train
    length = f"{train.steps:,} steps" if train.steps is not None else f"{train.epochs:,} epochs"
    verb = "resume" if resume else "run"
    return [
        f"model:    {document.name}, {count:,} parameters",
        f"data:     {'; '.join(map(_source, document.sources.values())) or 'none'}",
        f"training: {length}, batches of {train.batch_size:,}, {train.optimizer.name}, "
        f"seed {train.seed}",
        f"{verb + ':':<10}{run}",
    ]


def _source(data: DataSpec) -> str:
    path = data.options.get("path")
    return data.source if path is None else f"{data.source}, {path}"


def is_first_process() -> bool:
    """Whether this process prints for all: torchrun numbers processes in RANK."""
    return os.environ.get("RANK", "0") == "0"
