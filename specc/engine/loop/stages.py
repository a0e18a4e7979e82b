"""The start of a stage: its copies, and the modules that it holds still.

A stage starts with the final parameters of the one before it (of the best validation, the moving
average, or the last step), and with optimizers without state.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from specc.data.load import Rows
from specc.data.rows_of_classes import rows_of_classes
from specc.data.unpaired import Unpaired
from specc.engine.storage import checkpoint
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.storage.replicated import Replicated
from specc.runtime import after_update
from specc.runtime.failure import RunFailure
from specc.runtime.json_object import ManifestError
from specc.runtime.program import Program
from specc.runtime.stages import Stage, belongs, held_still, transfers


@torch.no_grad()
def copy_tensors(program: Program, stage: Stage, storage: Replicated) -> None:
    """Makes the copies with which a stage starts, all from the values before any of them.

    A moving average of a module that takes other values starts again.

    Raises RunFailure: E0808, if the program has no such tensors.
    """
    tensors = checkpoint.named_tensors(program)
    try:
        wanted = list(transfers(stage.copies, tensors))
    except ManifestError as error:
        hint = "compile the spec again, with `specc compile`"
        raise RunFailure("E0808", f"{stage.words}: {error}", hint=hint) from error
    values = [storage.whole(tensors[source]) for _, source, _ in wanted]
    for (target, _, transposed), value in zip(wanted, values, strict=True):
        storage.put(tensors[target], value.mT if transposed else value)
    targets = [copy.target for copy in stage.copies]
    rules = program.manifest.after_update
    again = (r for r in rules if r.rule == "moving_average" and belongs(r.of, targets))
    after_update.start(program, again)


def hold_still(program: Program, stage: Stage) -> None:
    """Holds the modules that a stage does not train in evaluation mode; none without stages."""
    program.hold(held_still(program, stage.losses) if stage.name else ())


def rows_of_stage(loaded: LoadedRun, stage: Stage, part: str) -> Rows | Unpaired:
    """The rows of a part in all sources which a stage uses; raises RunFailure E0509, E0530."""
    rows, classes = loaded.batched(part), stage.rows
    if isinstance(rows, Unpaired):
        sources = (rows_of_classes(own, classes, stage.words) for own in rows.sources)
        return replace(rows, sources=tuple(sources))
    return rows_of_classes(rows, classes, stage.words)
