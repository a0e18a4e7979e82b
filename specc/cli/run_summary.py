"""A summary of a training run, printed before torch is imported."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from specc.counted import counted
from specc.language.schema.data import DataSpec

if TYPE_CHECKING:
    from specc.codegen.plan import Plan
    from specc.language.schema.document import Document


def lines(plan: Plan) -> list[str]:
    """The model, its data, and the length of training: a line each."""
    from specc.codegen.tensors import parameters

    document = plan.graph.graph.spec.document
    count = sum(math.prod(shape) for _, shape in parameters(plan))
    train = document.train
    return [
        f"model:    {document.name}, {counted(count, 'parameter')}",
        f"data:     {'; '.join(map(_source, document.sources.values())) or 'none'}",
        _sampling(document)
        or f"training: {_length(document)}, batches of {train.batch_size:,}, "
        f"{train.optimizer.name}, seed {train.seed}",
    ]


def folder_line(run: Path, resume: bool) -> str:
    """The line of the run folder, once the run has begun."""
    return f"{'resume:' if resume else 'run:':<10}{run}"


def _sampling(document: Document) -> str:
    """The sampler with its numbers of transitions; empty without one."""
    sampler = document.posterior
    if sampler is None:
        return ""
    own = sampler.options
    return (
        f"sampling: {sampler.name}, {counted(own['chains'], 'chain')}, "
        f"{counted(own['warmup'], 'transition')} of warm-up and {counted(own['draws'], 'draw')} "
        f"each, seed {document.train.seed}"
    )


def _length(document: Document) -> str:
    """The length of training: `200 epochs`, or `10 + 5 epochs in 2 stages`."""
    train, stages = document.train, document.stages
    default = (
        counted(train.epochs or 0, "epoch") if train.steps is None else counted(train.steps, "step")
    )
    if not stages:
        return default
    lengths = [default if s.epochs is None else counted(s.epochs, "epoch") for s in stages]
    units = {length.split()[-1].removesuffix("s") for length in lengths}
    if len(stages) > 1 and len(units) == 1:
        numbers = [length.split()[0] for length in lengths]
        lengths = [*numbers[:-1], f"{numbers[-1]} {units.pop()}s"]
    return f"{' + '.join(lengths)} in {counted(len(stages), 'stage')}"


def _source(data: DataSpec) -> str:
    path = data.options.get("path")
    return data.source if path is None else f"{data.source}, {path}"


def is_first_process() -> bool:
    """Whether this process prints for all: torchrun numbers processes in RANK."""
    return os.environ.get("RANK", "0") == "0"
