"""A loss with replay buffers through every kind of step, into the checkpoint, and on processes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from specc.codegen.standalone import standalone
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from specc.engine.storage import checkpoint
from specc.engine.storage.loaded_run import load_run
from specc.runtime.failure import RunFailure
from tests.engine.interruption import interrupted
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_distributed import ended, start
from tests.engine.test_loss_state import states_hash, stepping
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash
from tests.programs import making

SPEC = """\
specc: 1
name: replayed
data: {source: toy, density: ring, rows: 1000, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {let: generator(z), shape: [2]}
links: {generator: {mlp: [8]}, d: {mlp: [8]}}
objective:
  players:
    critic:
      minimize: >-
        d(model.x) - d(data.x) + d(buffer(data.x, 240)) ** 2 + d(buffer(model.x, 240)) ** 2
      links: [d]
      steps: 2
    generator: {minimize: "-d(model.x)", links: [generator]}
  order: alternating
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 100, epochs: 2}
"""
ACCUMULATED = SPEC.replace("epochs: 2", "epochs: 2, accumulate: 2")
FILLED, DATA, DRAWN = "filled 240", "buffer(data.x, 240)", "buffer(model.x, 240)"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def made(folder, text=SPEC):
    result, checked = compile(Source("replayed.yaml", text))
    assert result is not None, checked.diagnostics
    code = folder / "replayed"
    code.mkdir(parents=True)
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    return code


def state(step):
    return {name: value.clone() for name, value in step.state.tensors["critic"].items()}


def taken(step, number):
    """A step on rows that its number determines, 100 for each update."""
    index = torch.arange(200).view(2, 100) + 100 * number
    return step(0, number, *index)


@pytest.mark.parametrize("order", ["alternating", "simultaneous"])
def test_the_last_rows_are_held(tmp_path, order):
    step = stepping(made(tmp_path, SPEC.replace("order: alternating", f"order: {order}")))
    taken(step, 0)
    rows = step.rows.batch(torch.arange(400), None)["x"]
    first = state(step)
    assert first[FILLED].tolist() == [1] * 200 + [0] * 40
    assert torch.equal(first[DATA][:200], rows[:200].view(2, 100, 2).flip(0).flatten(0, 1))
    taken(step, 1)
    second = state(step)
    assert second[FILLED].tolist() == [1] * 240
    newest = rows[100:300].view(2, 100, 2).flip(0).flatten(0, 1)
    assert torch.equal(second[DATA], torch.cat((newest, first[DATA]))[:240])
    assert torch.equal(second[DRAWN][200:], first[DRAWN][:40])


def test_each_piece_has_a_part(tmp_path):
    """Piece i of two holds the rows of its own micro-batches in its half of the buffer."""
    step = stepping(made(tmp_path, ACCUMULATED))
    taken(step, 0)
    found, rows = state(step), step.rows.batch(torch.arange(200), None)["x"].view(2, 2, 50, 2)
    assert found[FILLED].tolist() == ([1] * 100 + [0] * 20) * 2
    for piece, half in enumerate(found[DATA].view(2, 120, 2)):
        assert torch.equal(half[:100], rows[:, piece].flip(0).flatten(0, 1))
    # Validation reads both halves as one buffer, in which the filled rows have gaps.
    assert step.measure(step.rows, 100)["critic loss"] < float("inf")
    assert all(torch.equal(value, found[name]) for name, value in state(step).items())


def test_more_pieces_than_rows_are_refused(tmp_path):
    text = ACCUMULATED.replace("240", "3").replace("accumulate: 2", "accumulate: 4")
    with pytest.raises(RunFailure, match="too few for the 4 micro-batches of a batch"):
        stepping(made(tmp_path, text))


@compiles
def test_a_compiled_step_holds_what_the_eager_one_holds(tmp_path):
    eager, compiled = (stepping(made(tmp_path / name)) for name in "ab")
    compile_step(compiled)
    del compiled.compiled[1]  # the generator has no state
    for number in range(3):
        mine, theirs = taken(compiled, number), taken(eager, number)
        assert torch.allclose(mine.values, theirs.values, atol=CLOSE)
        for name, value in state(eager).items():
            assert torch.allclose(state(compiled)[name].double(), value.double(), atol=CLOSE)


@pytest.mark.parametrize("name", ["alternating", "accumulated"])
def test_a_skipped_step_leaves_it(tmp_path, name):
    code = made(tmp_path, SPEC if name == "alternating" else ACCUMULATED)
    step = stepping(code)
    taken(step, 0)
    before = state(step)
    making.edit(code, "objective.py", "return loss, after", "return loss / 0 * 0, after")
    broken = stepping(code)
    for key, value in broken.state.tensors["critic"].items():
        value.copy_(before[key])
    assert taken(broken, 1).skipped == 1.0
    assert all(torch.equal(value, before[key]) for key, value in state(broken).items())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("replayed")
    code = made(root, ACCUMULATED)
    train.train(code, root / "run", QUIET)
    return code, root / "run"


def test_interrupted_and_resumed_is_uninterrupted(finished, tmp_path):
    code, run = finished
    with interrupted(epoch=0, number=3):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(run)
    assert states_hash(tmp_path / "run") == states_hash(run)
    assert losses(tmp_path / "run") == losses(run)


def test_the_run_that_is_loaded_has_it(finished):
    stored = checkpoint.latest(finished[1]).losses
    assert set(stored) == {f"critic/{name}" for name in (FILLED, DATA, DRAWN)}
    opened = load_run(finished[1])
    found = opened.state_of(opened.manifest.losses[0])
    assert all(torch.equal(value, stored[f"critic/{name}"]) for name, value in found.items())
    assert found[FILLED].all()


def test_two_processes_make_the_steps_of_one(finished, tmp_path):
    codes, said = ended(start(made(tmp_path), tmp_path / "run"))
    assert codes == [0, 0], said
    mine, theirs = (checkpoint.latest(run).losses for run in (tmp_path / "run", finished[1]))
    for name in (FILLED, DATA, DRAWN):
        assert torch.allclose(
            mine[f"critic/{name}"].double(), theirs[f"critic/{name}"].double(), atol=1e-4
        )


def test_code_that_stands_alone_holds_them(tmp_path):
    result, _ = compile(Source("replayed.yaml", SPEC.replace("epochs: 2", "steps: 4")))
    for name, content in standalone(result.plan).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    torch.save({"x": torch.randn(300, 2)}, tmp_path / "data.pt")
    command = [sys.executable, "-W", "ignore", "train.py", "data.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "replayed.pt").exists()
