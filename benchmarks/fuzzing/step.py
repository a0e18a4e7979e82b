"""One step of an accepted program: its loss and gradient on a few rows made for it."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from specc.compiler import Checked, Compiled
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.unit.made_data import batch_of

ROWS = 3
MOST_PARAMETERS = 2_000_000
MOST_VALUES = 2_000_000
"""Of one row, particles included; more takes longer than a step of this test may."""


def too_large(compiled: Compiled) -> bool:
    """Whether the program has too many numbers to be run here."""
    from specc.codegen.manifest import parameters

    plan = compiled.plan
    learnt = sum(math.prod(shape) for _, shape in parameters(plan))
    types = plan.graph.types.values()
    graph = plan.graph.graph
    sizes = {**graph.plates, **{name: scan.steps for name, scan in graph.scans.items()}}
    values = sum(math.prod((*(sizes.get(p, 1) for p in t.plates), *t.shape)) for t in types)
    values += sum(plan.graph.classes.values())
    return learnt > MOST_PARAMETERS or values * plan.objective.particles > MOST_VALUES


def step(folder: Path, checked: Checked) -> str:
    """Run loss and gradient; what came of it where that is no number, or nothing.

    Any exception but a RunFailure passes.
    """
    assert checked.typed is not None and checked.plan is not None
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    try:
        program = load(folder)
        batch = batch_of(checked.typed, checked.plan.data, ROWS, generator)
        batch = {n: v.float() if v.is_floating_point() else v for n, v in batch.items()}
        loss, _ = program.loss("loss", batch, Noise.at(0), ROWS)
        if loss.requires_grad:
            loss.backward()
    except RunFailure as failure:
        return failure.code
    except MemoryError:
        return "no memory for a step"
    except RuntimeError as error:
        if "can't allocate memory" in str(error) or "bad_alloc" in str(error):
            return "no memory for a step"
        raise
    return "" if torch.isfinite(loss) else "not finite"
