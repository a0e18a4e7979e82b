"""Two processes with gloo make the same steps as one process with two micro-batches."""

from __future__ import annotations

import signal

import pytest
import torch

from specc.engine import train
from specc.engine.distributed import World, world
from specc.engine.storage import checkpoint, run_folder
from tests.engine.processes import TRAIN, ranks
from tests.engine.test_train import QUIET, losses, wait_for
from tests.programs import making

SLOWLY = "    # q(z | x) = Normal(encoder(x))\n"


def start(code, run):
    """Starts training in two processes."""
    return ranks(TRAIN, code, run)


def ended(processes):
    said = [process.communicate(timeout=600)[1] for process in processes]
    return [process.returncode for process in processes], said


def weights(run):
    return checkpoint.latest(run).weights


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    root = tmp_path_factory.mktemp("alone")
    code = making.copy("vae", root, epochs=3, accumulate=2, validate_every=1)
    train.train(code, root / "run", QUIET)
    return root / "run"


def test_two_processes_make_the_steps_of_one(alone, tmp_path):
    """With 1,438 rows in batches of 100 the last batch of an epoch is smaller."""
    code = making.copy("vae", tmp_path, epochs=3, validate_every=1)
    codes, said = ended(start(code, tmp_path / "run"))
    assert codes == [0, 0], said
    mine, theirs = weights(tmp_path / "run"), weights(alone)
    assert all(torch.allclose(mine[n], theirs[n], atol=1e-6) for n in theirs)
    lines, wanted = losses(tmp_path / "run"), losses(alone)
    assert [m["loss"] for m in lines] == pytest.approx([m["loss"] for m in wanted], rel=1e-6)
    assert [m["valid"]["loss"] for m in lines] == pytest.approx(
        [m["valid"]["loss"] for m in wanted], rel=1e-6
    )
    assert run_folder.facts_of(tmp_path / "run")[0]["pieces"] == 2


def test_one_of_two_is_killed_and_all_start_again(alone, tmp_path):
    code = making.copy("vae", tmp_path, epochs=3, validate_every=1)
    making.edit(code, "objective.py", SLOWLY, "    __import__('time').sleep(0.01)\n")
    run = tmp_path / "run"
    processes = start(code, run)
    wait_for(lambda: run_folder.read_metrics(run))
    processes[1].kill()
    codes, said = ended(processes)
    assert codes[0] == 3 and codes[1] == -signal.SIGKILL
    assert "E0815" in said[0] and "Traceback" not in said[0]
    codes, said = ended(start(code, run))
    assert codes == [0, 0], said
    mine, theirs = weights(run), weights(alone)
    assert all(torch.allclose(mine[n], theirs[n], atol=1e-6) for n in theirs)


def test_a_polite_end_of_one_ends_both(tmp_path):
    code = making.copy("vae", tmp_path, epochs=50)
    making.edit(code, "objective.py", SLOWLY, "    __import__('time').sleep(0.01)\n")
    processes = start(code, tmp_path / "run")
    wait_for(lambda: run_folder.read_metrics(tmp_path / "run"))
    processes[1].send_signal(signal.SIGTERM)
    codes, said = ended(processes)
    assert codes == [75, 75], said


def test_a_run_of_two_goes_on_alone(alone, tmp_path):
    """The number of micro-batches belongs to the run and not to its processes."""
    code = making.copy("vae", tmp_path, epochs=3, validate_every=1)
    making.edit(code, "objective.py", SLOWLY, "    __import__('time').sleep(0.01)\n")
    run = tmp_path / "run"
    processes = start(code, run)
    wait_for(lambda: run_folder.read_metrics(run))
    processes[0].send_signal(signal.SIGTERM)
    codes, said = ended(processes)
    assert codes == [75, 75], said
    train.train(code, run, train.Options(quiet=True, threads=1, resume=True))
    mine, theirs = weights(run), weights(alone)
    assert all(torch.allclose(mine[n], theirs[n], atol=1e-6) for n in theirs)


def test_without_torchrun_there_is_one(monkeypatch):
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert world() == World(0, 1)
    assert [World(1, 3).owns(piece) for piece in range(5)] == [False, True, False, False, True]
