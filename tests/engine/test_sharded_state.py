"""Two processes with sharded parameters: spectral norms, moving averages and buffers of a loss."""

from __future__ import annotations

import json

import pytest
import torch

from specc.engine import train
from specc.engine.storage import checkpoint, file_io
from tests.engine.processes import ranks
from tests.engine.test_buffers import made
from tests.engine.test_train import QUIET

SPEC = """\
specc: 1
name: replayed
data: {source: toy, density: ring, rows: 400, split: {valid: 0.1}, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {let: generator(z), shape: [2]}
links:
  generator: {mlp: [8]}
  d: {mlp: [8], activation: tanh, spectral_norm: true}
  teacher: {ema: {of: d, decay: 0.9}}
objective:
  players:
    critic:
      minimize: >-
        d(model.x) - d(data.x) + d(buffer(model.x, 150)) ** 2
        + (d(buffer(data.x, 150)) - teacher(buffer(data.x, 150))) ** 2
      links: [d]
      steps: 2
    generator: {minimize: "-d(model.x)", links: [generator]}
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 50, epochs: 2, ema: 0.9, validate_every: 1}
"""
TRAIN = """
import json, os, signal, sys
from pathlib import Path
from specc.engine import device
device.prepare()
import torch.distributed as dist
from specc.engine import train
from specc.engine.loop import loop
from specc.engine.step.step import Step
from specc.runtime.failure import RunFailure
loop.READ_EVERY = 2
code, whole, half = map(Path, sys.argv[1:])
stops, step = [], Step.__call__

def stop(self, epoch, number, *indices):
    if os.environ["RANK"] == "1" and (epoch, number) in stops:
        signal.raise_signal(signal.SIGTERM)
    return step(self, epoch, number, *indices)

Step.__call__ = stop
options = train.Options(resume=True, quiet=True, threads=1, shard=True)
dist.init_process_group("gloo")
train.train(code, whole, options)
stops.append((1, 2))
try:
    train.train(code, half, options)
    failure = ""
except RunFailure as error:
    failure = error.code
stops.clear()
train.train(code, half, options)
print(json.dumps({"failure": failure}))
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The run of one process, that of two, and one of two that is interrupted and resumed."""
    root = tmp_path_factory.mktemp("sharded")
    alone = made(root / "alone", SPEC.replace("epochs: 2", "epochs: 2, accumulate: 2"))
    train.train(alone, root / "one", QUIET)
    code = made(root / "both", SPEC)
    processes = ranks(TRAIN, code, root / "two", root / "half")
    done = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], done
    assert [json.loads(out)["failure"] for out, _ in done] == ["E0812", "E0812"]
    return {name: root / name for name in ("one", "two", "half")}


def stored(run):
    """All tensors of the last checkpoint, by kind and name."""
    found = checkpoint.latest(run)
    kinds = {"weights": found.weights, "means": found.averages, "losses": found.losses}
    return {f"{kind} {n}": t for kind, tensors in kinds.items() for n, t in tensors.items()}


def test_sharded_processes_make_the_steps_of_one(runs):
    mine, theirs = stored(runs["two"]), stored(runs["one"])
    assert mine.keys() == theirs.keys()
    followers = {name.rpartition(".")[2] for name in mine if "networks.d." in name}
    assert followers == {"weight", "bias", "u", "v"}
    assert {name for name in mine if name.startswith("losses ")} == {
        f"losses critic/{name}"
        for name in ("filled 150", "buffer(data.x, 150)", "buffer(model.x, 150)")
    }
    for name, wanted in theirs.items():
        assert torch.allclose(mine[name].double(), wanted.double(), atol=1e-5), name


def test_the_average_and_the_norms_have_moved(runs):
    """So that the comparison above is not of tensors that nothing changes."""
    found = stored(runs["two"])
    weight, teacher = (found[f"weights networks.{n}.0.weight"] for n in ("d", "teacher"))
    assert 1e-3 < (weight - teacher).abs().max() < 1
    sigma = torch.linalg.matrix_norm(weight, 2)
    u, v = (found[f"weights networks.d.0.{name}"] for name in "uv")
    assert u @ weight @ v == pytest.approx(sigma.item(), rel=0.05)
    assert found["losses critic/filled 150"].all()


def test_interrupted_and_resumed_is_uninterrupted(runs):
    mine, theirs = (
        {path.name: file_io.hash_of(path) for path in folder.glob("*.safetensors")}
        for folder in (checkpoint.latest(runs[name]).folder for name in ("half", "two"))
    )
    assert mine == theirs and checkpoint.LOSSES in mine
