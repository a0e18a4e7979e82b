"""The state of a loss in every kind of step, and in checkpoints."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from specc.data.load import load
from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from specc.engine.settings import settings_of
from specc.engine.step.player import players_of
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint, file_io
from specc.engine.storage.loaded_run import fresh, load_run
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.engine import stateful
from tests.engine.interruption import interrupted
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_distributed import ended, start
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash
from tests.programs import making
from tests.programs.sealing import reseal

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def stepping(code):
    found = manifests.read(code)
    settings = settings_of(found.train)
    program = fresh(code, settings, CPU)
    rows = load(found.data, None, settings.dtype).part("train")
    return Step(program, players_of(program, settings, CPU), rows, settings, CPU)


def state(step):
    return {name: value.clone() for name, value in step.state.tensors["loss"].items()}


def same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_step_updates_the_state(tmp_path):
    step = stepping(stateful.make(tmp_path))
    baseline, seen = torch.tensor(-40.0), torch.zeros(64)
    for number in range(5):
        index = torch.arange(100) + 100 * number
        found = step(0, number, index)
        assert found.names[:2] == ("loss", "elbo")
        loss, elbo = found.values[:2]
        torch.testing.assert_close(loss, -elbo + 0.01 * (elbo - baseline) ** 2)
        baseline = 0.9 * baseline + 0.1 * elbo
        seen = 0.5 * seen + step.rows.batch(index, None)["x"].mean(0)
        torch.testing.assert_close(step.state.tensors["loss"]["baseline"], baseline)
        torch.testing.assert_close(step.state.tensors["loss"]["seen"], seen.expand(4, 64))


def test_pieces_begin_from_the_state_before_the_step(tmp_path):
    """Replicated state is the mean over all rows; sharded state has a part for each piece."""
    step = stepping(stateful.make(tmp_path, accumulate=4))
    baseline = torch.tensor(-40.0)
    for number in range(3):
        index = torch.arange(98) + 100 * number
        elbo = step(0, number, index).values[1]
        baseline = 0.9 * baseline + 0.1 * elbo
        torch.testing.assert_close(step.state.tensors["loss"]["baseline"], baseline)
    parts = [step.rows.batch(rows, None)["x"].mean(0) for rows in index.tensor_split(4)]
    before = [
        step.rows.batch(rows, None)["x"].mean(0)
        for number in range(2)
        for rows in (torch.arange(98) + 100 * number).tensor_split(4)
    ]
    wanted = torch.stack(parts) + torch.stack(before[4:]) / 2 + torch.stack(before[:4]) / 4
    torch.testing.assert_close(step.state.tensors["loss"]["seen"], wanted)


CLIPPED = {"optimizer": {"sgd": {"lr": 0.01}}, "clip": 1.0}


@compiles
@pytest.mark.parametrize("settings", [{}, pytest.param(CLIPPED, marks=pytest.mark.slow)])
def test_a_compiled_step_updates_it_as_the_eager_one(tmp_path, settings):
    eager, compiled = (stepping(stateful.make(tmp_path / name, **settings)) for name in "ab")
    compile_step(compiled)
    for number in range(4):
        index = torch.arange(100 if number % 2 else 70) + 10 * number
        mine, theirs = compiled(0, number, index), eager(0, number, index)
        assert torch.allclose(mine.values, theirs.values, atol=CLOSE)
        for name, value in state(eager).items():
            assert torch.allclose(state(compiled)[name], value, atol=CLOSE)


@compiles
def test_a_compiled_step_that_is_skipped_leaves_it(tmp_path):
    code = stateful.make(tmp_path)
    making.edit(code, "objective.py", "-elbo + 0.01", "-elbo + (x[0, 0] - x[0, 0]) / 0 + 0.01")
    step = stepping(code)
    compile_step(step)
    before = state(step)
    assert step(0, 0, torch.arange(100)).skipped == 1.0
    assert same(state(step), before)


@pytest.mark.parametrize(
    ("old", "new"),
    [("-elbo + 0.01", "-elbo * float('nan') + 0.01"), ("+ x.mean(0)", "+ x.mean(0) / 0")],
    ids=["the loss", "the state"],
)
def test_a_skipped_step_leaves_it(tmp_path, old, new):
    code = stateful.make(tmp_path)
    making.edit(code, "objective.py", old, new)
    step = stepping(code)
    before = state(step)
    weights = [p.detach().clone() for p in step.program.parameters()]
    assert step(0, 0, torch.arange(100)).skipped == 1.0
    assert same(state(step), before)
    pairs = zip(step.program.parameters(), weights, strict=True)
    assert all(torch.equal(now, then) for now, then in pairs)


def test_validation_reads_it(tmp_path):
    step = stepping(stateful.make(tmp_path))
    step(0, 0, torch.arange(100))
    before = state(step)
    found = step.measure(step.rows, 100)
    assert same(state(step), before)
    step.state.tensors["loss"]["baseline"].fill_(1000.0)
    assert step.measure(step.rows, 100)["loss"] > found["loss"] + 1000.0


def states_hash(run):
    return file_io.hash_of(checkpoint.latest(run).folder / checkpoint.LOSSES)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("stateful")
    code = stateful.make(root, epochs=2, accumulate=2, validate_every=1)
    train.train(code, root / "run", QUIET)
    return code, root / "run"


def test_interrupted_and_resumed_is_uninterrupted(finished, tmp_path):
    code, run = finished
    with interrupted(epoch=0, number=7):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(run)
    assert states_hash(tmp_path / "run") == states_hash(run)
    assert losses(tmp_path / "run") == losses(run)


def test_an_open_run_has_it(finished):
    _, run = finished
    stored = checkpoint.latest(run).losses
    opened = load_run(run)
    found = opened.state_of(opened.manifest.losses[0])
    assert {f"loss/{name}" for name in found} == set(stored)
    assert all(torch.equal(value, stored[f"loss/{name}"]) for name, value in found.items())
    assert found["baseline"] != -40.0


def test_two_processes_make_the_steps_of_one(finished, tmp_path):
    code = stateful.make(tmp_path, epochs=2, validate_every=1)
    codes, said = ended(start(code, tmp_path / "run"))
    assert codes == [0, 0], said
    mine, theirs = (checkpoint.latest(run).losses for run in (tmp_path / "run", finished[1]))
    assert set(mine) == set(theirs) == {"loss/baseline", "loss/seen"}
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-4) for name in theirs)
    assert not torch.allclose(mine["loss/seen"][0], mine["loss/seen"][2])
    lines, wanted = (losses(run) for run in (tmp_path / "run", finished[1]))
    for key in ("loss", "valid"):
        assert str(lines[-1][key])[:6] == str(wanted[-1][key])[:6]


@pytest.mark.parametrize("what", ["absent", "of another shape"])
def test_a_checkpoint_with_other_state_is_refused(finished, tmp_path, what):
    run = tmp_path / "run"
    shutil.copytree(finished[1], run)
    folder = checkpoint.latest(run).folder
    if what == "absent":
        path = folder / checkpoint.STATE
        found = json.loads(path.read_text())
        del found["hashes"][checkpoint.LOSSES]
        path.write_text(json.dumps(found))
    else:
        tensors = {"loss/baseline": torch.zeros(3), "loss/seen": torch.zeros(4, 64)}
        save_file(tensors, folder / checkpoint.LOSSES)
    reseal(run)
    with pytest.raises(RunFailure, match="the state of its losses is not the program's") as failure:
        load_run(run)
    assert failure.value.code == "E0803"


@pytest.mark.parametrize("new", ["{}", '{**after, "baseline": elbo.expand(2)}'])
def test_a_loss_that_returns_other_state_is_refused(tmp_path, new):
    code = stateful.make(tmp_path)
    making.edit(code, "objective.py", "** 2, after, {", f"** 2, {new}, {{")
    with pytest.raises(RunFailure, match="for its state `baseline`, not") as failure:
        stepping(code)(0, 0, torch.arange(100))
    assert failure.value.code == "E0808"


def test_more_pieces_than_rows_of_a_sharded_tensor_are_refused(tmp_path):
    with pytest.raises(RunFailure, match="too few for the 5 micro-batches of a batch"):
        stepping(stateful.make(tmp_path, accumulate=5))
