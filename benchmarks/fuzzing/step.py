"""A step of an accepted program: its losses and gradients on a few random rows."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path

import torch

from specc.codegen.plan import ROW, Mask, Plan
from specc.compiler import Checked, Compiled
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.losses import computed
from tests.unit.made_data import batch_of

ROWS = 3
MOST_PARAMETERS = 2_000_000
MOST_VALUES = 2_000_000
"""The maximum number of entries of a row, with particles; more would take too long."""
_SAID = re.compile(r'"""(?:[^\\]|\\.)*?"""|^ *#.*|  #.*', re.MULTILINE)


def too_large(compiled: Compiled) -> bool:
    """Whether the program is too large for a step."""
    from specc.codegen.tensors import parameters

    plan = compiled.plan
    learnt = sum(math.prod(shape) for _, shape in parameters(plan))
    types = plan.graph.types.values()
    graph = plan.graph.graph
    sizes = {**graph.plates, **{name: scan.steps for name, scan in graph.scans.items()}}
    values = sum(math.prod((*(sizes.get(p, 1) for p in t.plates), *t.shape)) for t in types)
    values += sum(plan.graph.classes.values())
    particles = max(player.particles for player in plan.objective.players)
    return learnt > MOST_PARAMETERS or values * particles > MOST_VALUES


def body(compiled: Compiled) -> bytes:
    """A digest of the code, without comments and documentation, and of the data fields.

    Programs with the same digest compute the same step on the same data.
    """
    found = hashlib.sha256()
    for name, text in sorted(compiled.files.items()):
        if name.endswith(".py"):
            found.update(f"{name}\n{_SAID.sub('', text)}\n".encode())
    manifest = json.loads(compiled.files["manifest.json"])
    plan, graph = compiled.plan, compiled.plan.graph
    data = [(node, repr(kind)) for node, kind in graph.types.items() if node[1] in plan.data]
    sizes = [repr(dict(graph.graph.scans)), repr(dict(graph.classes))]
    known = [manifest["losses"], manifest["parameters"], sorted(data), sizes]
    found.update(json.dumps(known).encode())
    return found.digest()


def made_batch(plan: Plan) -> dict[str, torch.Tensor]:
    """A few random rows by data field, or row numbers for a program without data."""
    generator = torch.Generator().manual_seed(0)
    made = batch_of(plan.graph, plan.data, ROWS, generator)
    names = {name: plan.python[name] for name in plan.data}
    names |= {f"{name}_known": plan.python[Mask(name)] for name in plan.missing}
    batch = {names[n]: v.float() if v.is_floating_point() else v for n, v in made.items()}
    return batch if plan.data else {plan.python[ROW]: torch.arange(ROWS)}


def step(folder: Path, checked: Checked) -> str:
    """Compute all losses and gradients; return a note if a result is not finite, or "".

    Exceptions other than RunFailure are not caught.
    """
    assert checked.plan is not None
    torch.manual_seed(0)
    try:
        program = load(folder)
        batch = made_batch(checked.plan)
        losses = [
            computed(program, batch, Noise.at(0), ROWS, name=own.name).loss
            for own in program.manifest.losses
        ]
        total = torch.stack(losses).sum()
        if total.requires_grad:
            total.backward()
    except RunFailure as failure:
        return failure.code
    except MemoryError:
        return "no memory for a step"
    except RuntimeError as error:
        if "can't allocate memory" in str(error) or "bad_alloc" in str(error):
            return "no memory for a step"
        raise
    return "" if torch.isfinite(total) else "not finite"
