"""Persistent chains of an energy in every kind of step, in checkpoints, and on processes."""

from __future__ import annotations

import pytest
import torch

from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from specc.engine.storage import checkpoint
from specc.engine.storage.loaded_run import load_run
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise
from tests.engine.interruption import interrupted
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_distributed import ended, start
from tests.engine.test_loss_state import same, state, states_hash, stepping
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash
from tests.programs import making

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def made(folder, **settings):
    """A machine of two layers on digits that do not change between epochs."""

    def declare(manifest):
        manifest["data"]["fields"]["v"]["binarize"] = "threshold"

    return making.copy("chains", folder, declare, **{"epochs": 2, **settings})


def test_a_step_goes_on_where_the_last_one_stopped(tmp_path):
    step = stepping(made(tmp_path))
    first = state(step)["v"]
    assert first.shape == (100, 64)
    assert not first.any()
    seen = [first]
    for number in range(3):
        weights = {n: p.detach().clone() for n, p in step.program.named_parameters()}
        found = step(0, number, torch.arange(100))
        assert found.names[:3] == ("loss", "F(v)", "F(model.v)")
        loss, data, chains = found.values[:3]
        torch.testing.assert_close(loss, data - chains)
        now = state(step)["v"]
        assert set(now.unique().tolist()) == {0.0, 1.0}
        assert not any(torch.equal(now, before) for before in seen)
        with torch.no_grad():  # the chains were under the weights before the update
            for name, value in step.program.named_parameters():
                weights[name], value.data = value.data, weights[name]
            torch.testing.assert_close(step.program.model.free_energy(now).mean(), chains)
            for name, value in step.program.named_parameters():
                value.data = weights[name]
        seen.append(now)


def test_the_state_of_a_chain_decides_where_it_goes(tmp_path):
    """With strong weights one step from zeros and one from ones differ under the same noise."""
    program = stepping(made(tmp_path)).program
    with torch.no_grad():
        program.model.w.normal_(generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(100, 64)
    one, other = (
        program.loss("loss", {"v": begin}, {"v": zeros}, Noise.at(1, 0), {}).state["v"]
        for begin in (zeros, 1 - zeros)
    )
    assert not torch.equal(one, other)


def test_pieces_have_a_part_of_the_chains_each(tmp_path):
    step = stepping(made(tmp_path, accumulate=4))
    step(0, 0, torch.arange(100))
    found = state(step)["v"]
    assert found.shape == (100, 64)
    parts = found.view(4, 25, 64)
    assert not any(torch.equal(parts[0], part) for part in parts[1:])
    before = state(step)
    assert step.measure(step.rows, 100)["loss"] < float("inf")
    assert same(state(step), before)


def test_more_pieces_than_chains_are_refused(tmp_path):
    with pytest.raises(RunFailure, match="too few for the 101 micro-batches of a batch"):
        stepping(made(tmp_path, accumulate=101))


@compiles
def test_a_compiled_step_moves_them_as_the_eager_one(tmp_path):
    eager, compiled = (stepping(made(tmp_path / name)) for name in "ab")
    compile_step(compiled)
    for number in range(4):
        index = torch.arange(100 if number % 2 else 70) + 10 * number
        mine, theirs = compiled(0, number, index), eager(0, number, index)
        assert torch.allclose(mine.values, theirs.values, atol=CLOSE)
        assert same(state(compiled), state(eager))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("chains")
    code = made(root, accumulate=2)
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


def test_a_checkpoint_has_them(finished):
    _, run = finished
    stored = checkpoint.latest(run).losses
    assert set(stored) == {"loss/v"}
    assert stored["loss/v"].any()
    opened = load_run(run)
    found = opened.state_of(opened.manifest.losses[0])
    assert torch.equal(found["v"], stored["loss/v"])


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(finished, tmp_path):
    codes, said = ended(start(made(tmp_path), tmp_path / "run"))
    assert codes == [0, 0], said
    mine, theirs = (checkpoint.latest(run).losses for run in (tmp_path / "run", finished[1]))
    assert set(mine) == set(theirs)
    assert torch.equal(mine["loss/v"], theirs["loss/v"])
    lines, wanted = (losses(run) for run in (tmp_path / "run", finished[1]))
    assert str(lines[-1]["loss"])[:6] == str(wanted[-1]["loss"])[:6]
