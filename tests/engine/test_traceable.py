"""Every generated loss of the gallery is one graph, which torch compiles and exports."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from specc.codegen.plan import ROW
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.compile.graph import Given, Recording
from specc.engine.schedule.scalars import final_scalars
from specc.engine.step.loss_state import LossState
from specc.engine.step.player import NotCompiled
from specc.runtime.control_flow import recording_data_dependence
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.losses import computed
from tests.unit.test_random_specs import batch_of

# Torch's compiler uses functions that torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
ROWS = 4

# A loss that iterates until it converges has no graph; a run reports it and trains without one.
SEARCHING = {"implicit_flow": "its density takes a fixed point"}


class Loss(nn.Module):
    """The loss of a program with its random numbers as inputs: a module with one method."""

    def __init__(self, program, declared):
        super().__init__()
        self.program, self.name = program, declared.name
        self.scalars = final_scalars(declared, ROWS)
        dtype, device = torch.get_default_dtype(), torch.device("cpu")
        self.state = LossState([declared], dtype, device, rows=ROWS).tensors[self.name]

    def forward(self, batch, drawn):
        noise = Given(drawn, torch.get_default_dtype())
        return self.program.loss(self.name, self.state, batch, noise, self.scalars).loss


def prepared(name):
    spec = ROOT / "specs" / f"{name}.yaml"
    checked = front(Source(f"specs/{name}.yaml", spec.read_text(encoding="utf-8")))
    program = load(ROOT / "generated" / name)
    program.train()
    generator = torch.Generator().manual_seed(0)
    graph = checked.typed
    batch = batch_of(graph, checked.plan.data, ROWS, generator)
    batch = {n: v.float() if v.is_floating_point() else v for n, v in batch.items()}
    batch = {checked.plan.python.get(n, n): v for n, v in batch.items()}
    if not checked.plan.data:
        batch[checked.plan.python[ROW]] = torch.arange(ROWS)
    for declared in program.manifest.losses:
        recording = Recording(Noise.at(0))
        try:
            with recording_data_dependence() as reasons:
                computed(program, batch, recording, ROWS, name=declared.name)
        except NotCompiled as reason:
            pytest.skip(f"{name}: {reason}")
        if reasons:
            pytest.skip(f"{name}: {reasons[0]}")
        noise = Noise.at(0)
        drawn = [getattr(noise, request.kind)(request.shape) for request in recording.requests]
        yield Loss(program, declared), batch, drawn


# A sequence of 160 steps, each traced: half a minute.
CASES = [pytest.param(name, marks=pytest.mark.slow) if name == "dmm" else name for name in NAMES]


@pytest.mark.parametrize("name", CASES)
def test_one_graph_gives_the_eager_loss(name):
    for loss, batch, drawn in prepared(name):
        torch._dynamo.reset()
        whole = torch.compile(loss, fullgraph=True, backend="eager")
        if name in SEARCHING:
            with pytest.raises(torch._dynamo.exc.Unsupported, match="Data-dependent branching"):
                whole(batch, drawn)
            return
        values = []
        for computes in (whole, loss):
            torch.manual_seed(0)  # of dropout
            values.append(computes(batch, drawn))
        assert torch.allclose(*values, rtol=1e-5)


@pytest.mark.parametrize("name", ["vae", "sbn", "gaussian_mixture", "logistic_regression"])
def test_the_exported_program_gives_the_eager_loss(name):
    for loss, batch, drawn in prepared(name):
        exported = torch.export.export(loss, (batch, drawn))
        assert torch.allclose(exported.module()(batch, drawn), loss(batch, drawn), rtol=1e-5)
