"""A summary of a training run, printed before torch is imported."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from specc.language.schema.data import DataSpec

if TYPE_CHECKING:
    from specc.codegen.plan import Plan
    from specc.language.schema.document import Document


def lines(plan: Plan, run: Path, resume: bool) -> list[str]:
    """The model, its data, the length of training, and the run folder: a line each."""
    from specc.codegen.tensors import parameters

    document = plan.graph.graph.spec.document
    count = sum(math.prod(shape) for _, shape in parameters(plan))
    train = document.train
    verb = "resume" if resume else "run"
    return [
        f"model:    {document.name}, {count:,} parameters",
        f"data:     {'; '.join(map(_source, document.sources.values())) or 'none'}",
        _sampling(document)
        or f"training: {_length(document)}, batches of {train.batch_size:,}, "
        f"{train.optimizer.name}, seed {train.seed}",
        f"{verb + ':':<10}{run}",
    ]


def _sampling(document: Document) -> str:
    """The sampler with its numbers of transitions; empty without one."""
    sampler = document.posterior
    if sampler is None:
        return ""
    own = sampler.options
    return (
        f"sampling: {sampler.name}, {own['chains']:,} chains, {own['warmup']:,} transitions of "
        f"warm-up and {own['draws']:,} draws each, seed {document.train.seed}"
    )


def _length(document: Document) -> str:
    """The length of training: `200 epochs`, or `10 + 5 epochs in 2 stages`."""
    train, stages = document.train, document.stages
    default = f"{train.steps:,} steps" if train.steps is not None else f"{train.epochs:,} epochs"
    if not stages:
        return default
    lengths = [default if s.epochs is None else f"{s.epochs:,} epochs" for s in stages]
    if len({length.split()[-1] for length in lengths}) == 1:
        lengths = [length.split()[0] for length in lengths[:-1]] + lengths[-1:]
    count = f"{len(stages)} stage{'' if len(stages) == 1 else 's'}"
    return f"{' + '.join(lengths)} in {count}"


def _source(data: DataSpec) -> str:
    path = data.options.get("path")
    return data.source if path is None else f"{data.source}, {path}"


def is_first_process() -> bool:
    """Whether this process prints for all: torchrun numbers processes in RANK."""
    return os.environ.get("RANK", "0") == "0"
