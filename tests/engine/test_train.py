from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import replace

import pytest
import torch

from specc.engine import train
from specc.engine.loop import loop
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint, file_io, run_folder
from specc.engine.storage.loaded_run import load_run
from specc.engine.train import Options
from specc.runtime.failure import RunFailure
from tests.engine.processes import start
from tests.programs import making

QUIET = Options(quiet=True, threads=1)
RESUME = Options(quiet=True, threads=1, resume=True)


def weights_hash(run):
    """The hash of the last checkpoint's weights."""
    found = checkpoint.latest(run)
    return file_io.hash_of(found.folder / checkpoint.WEIGHTS)


def state_hash(run):
    return file_io.hash_of(checkpoint.latest(run).folder / checkpoint.OPTIMIZER)


def losses(run):
    """The metrics without their times."""
    return [
        {k: v for k, v in line.items() if k not in ("seconds", "memory")}
        for line in run_folder.read_metrics(run)
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run."""
    root = tmp_path_factory.mktemp("whole")
    code = making.copy("vae", root, epochs=4)
    train.train(code, root / "run", Options(quiet=True, threads=1, spec="specc: 1\n"))
    return code, root / "run"


def fails(code, *arguments):
    with pytest.raises(RunFailure) as failure:
        train.train(*arguments)
    assert failure.value.code == code
    return failure.value


def test_a_run_learns_and_leaves_everything(whole):
    code, run = whole
    lines = run_folder.read_metrics(run)
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]["loss"] < lines[0]["loss"] - 2
    parts = lines[0]["parts"]
    assert parts[making.KL] - parts["log p(x | z)"] == pytest.approx(lines[0]["loss"], rel=1e-5)
    assert (run / "spec.yaml").read_text() == "specc: 1\n"
    assert (run / "generated/vae/model.py").read_text() == (code / "model.py").read_text()
    facts = json.loads((run / "run.json").read_text())
    assert facts["name"] == "vae"
    assert facts["threads"] == 1
    assert facts["versions"]["torch"] == torch.__version__


def test_the_same_seed_gives_the_same_weights_and_another_does_not(whole, tmp_path):
    code, run = whole
    train.train(code, tmp_path / "again", QUIET)
    assert weights_hash(tmp_path / "again") == weights_hash(run)
    other = making.copy("vae", tmp_path, epochs=4, seed=1)
    train.train(other, tmp_path / "other", QUIET)
    assert weights_hash(tmp_path / "other") != weights_hash(run)


def test_a_run_stands_alone(whole):
    _, run = whole
    opened = load_run(run)
    assert not opened.program.training
    assert opened.program.folder == (run / "generated/vae").resolve()


@pytest.mark.parametrize(
    ("stop_at", "by"),
    [(1, signal.SIGINT), (13, signal.SIGTERM), (14, signal.SIGINT), (30, signal.SIGHUP)],
)
def test_interrupted_and_resumed_is_uninterrupted(whole, tmp_path, monkeypatch, stop_at, by):
    code, run = whole
    mine = tmp_path / "run"
    step = Step.__call__

    def stop(self, epoch, number, index):
        outcome = step(self, epoch, number, index)
        if epoch * 13 + number + 1 == stop_at:
            signal.raise_signal(by)
        return outcome

    monkeypatch.setattr(Step, "__call__", stop)
    failure = fails("E0812", code, mine, QUIET)
    assert failure.exit_code == 75
    assert f"after step {stop_at} of 52" in failure.message
    monkeypatch.undo()
    train.train(code, mine, RESUME)
    assert weights_hash(mine) == weights_hash(run)
    assert state_hash(mine) == state_hash(run)
    assert losses(mine) == losses(run)


def test_killed_at_any_moment_and_resumed(whole, tmp_path):
    _, run = whole
    mine = tmp_path / "run"
    slow = making.copy("vae", tmp_path, epochs=4)
    old = "    # q(z | x) = Normal(encoder(x))\n"
    making.edit(slow, "objective.py", old, "    __import__('time').sleep(0.02)\n")
    process = start(slow, mine)
    wait_for(lambda: run_folder.read_metrics(mine))
    process.kill()
    process.communicate()
    assert len(run_folder.read_metrics(mine)) < 4
    process = start(slow, mine)
    wait_for(lambda: len(run_folder.read_metrics(mine)) >= 2)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 75, said
    assert "E0812" in said
    process = start(slow, mine)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert weights_hash(mine) == weights_hash(run)
    assert losses(mine) == losses(run)


def wait_for(condition, seconds=600):
    """Waits for a condition; the time limit only prevents waiting for ever."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_finished_run_resumes_to_itself(whole, tmp_path):
    code, _ = whole
    mine = tmp_path / "run"
    train.train(code, mine, QUIET)
    before = weights_hash(mine), losses(mine)
    again = train.train(code, mine, RESUME)
    assert (weights_hash(mine), losses(mine)) == before
    assert again.counters.epoch == 4


def test_a_run_may_be_named_in_steps(tmp_path):
    code = making.copy("vae", tmp_path, epochs=None, steps=20)
    trained = train.train(code, tmp_path / "run", QUIET)
    assert trained.counters.total == 20
    assert [line["step"] for line in run_folder.read_metrics(tmp_path / "run")] == [13, 20]


def test_a_used_folder_is_refused(whole, tmp_path):
    code, run = whole
    assert "already has a run in it" in fails("E0806", code, run, QUIET).message
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    failure = fails("E0806", code, tmp_path / "mine", QUIET)
    assert "is not empty" in failure.message
    assert failure.exit_code == 2


def other_mathematics(manifest):
    manifest["digests"]["math"] = "other"


def other_batches(manifest):
    manifest["digests"]["training"] = "other"
    manifest["fixed"]["train.batch_size"] = 50


def other_training(manifest):
    """Removes the settings that a run cannot change, so that the digest alone is compared."""
    manifest["digests"]["training"] = "other"
    manifest["fixed"] = {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_mathematics, "the mathematics differs"),
        (other_batches, "train.batch_size differs"),
        (other_training, "the training differs"),
    ],
)
def test_another_spec_is_refused(whole, tmp_path, change, words):
    _, run = whole
    other = making.copy("vae", tmp_path, change, epochs=4)
    assert words in fails("E0801", other, run, RESUME).message


def test_a_spec_with_other_words_only_is_the_same(whole, tmp_path):
    _, run = whole
    other = making.copy("vae", tmp_path, lambda m: m["digests"].update(source="other"), epochs=4)
    assert train.train(other, run, RESUME).counters.epoch == 4


def test_other_data_is_refused(tmp_path):
    code = making.copy("linear", tmp_path)
    data = making.linear_data(tmp_path / "data")
    options = Options(data_dir=data, quiet=True, threads=1)
    train.train(code, tmp_path / "run", options)
    making.linear_data(data, seed=1)
    assert "the data differs from" in fails("E0801", code, tmp_path / "run", RESUME).message


def test_two_processes_do_not_share_a_run(whole):
    code, run = whole
    with run_folder.locked(run):
        found = []
        thread = threading.Thread(target=lambda: found.append(fails("E0806", code, run, RESUME)))
        thread.start()
        thread.join()
    assert "another process is working" in found[0].message


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    code = making.copy("vae", tmp_path, epochs=4)
    run = tmp_path / "run"
    train.train(code, run, QUIET)
    expected = weights_hash(run)
    kept = sorted((run / "checkpoints").iterdir())
    assert [folder.name for folder in kept] == ["000000039", "000000052"]
    weights = kept[-1] / checkpoint.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    assert checkpoint.latest(run).counters.total == 39
    train.train(code, run, RESUME)
    assert weights_hash(run) == expected
    for folder in (run / "checkpoints").iterdir():
        (folder / "state.json").write_text("{")
    assert "damaged" in fails("E0803", code, run, RESUME).message


def test_a_number_that_is_not_finite_names_its_node(tmp_path):
    code = making.copy("vae", tmp_path)
    making.edit(code, "model.py", "return self.decoder(z)", "return self.decoder(z) / 0.0 * 0.0")
    failure = fails("E0804", code, tmp_path / "run", QUIET)
    assert failure.place == "vae.yaml:10:3"
    assert "epoch 2: the loss was not finite in 26 steps in a row" in failure.message
    place = making.place("return self.decoder(z)")
    assert f"an infinite number first came from node `model.x` ({place})" in failure.hint


def test_a_bad_gradient_names_its_parameter(tmp_path):
    code = making.copy("vae", tmp_path)
    old = "return self.decoder(z)"
    making.edit(code, "model.py", old, "return self.decoder(z) + (z[..., :1] * 0).abs().sqrt()")
    failure = fails("E0804", code, tmp_path / "run", QUIET)
    assert "the gradient of `" in failure.message


def test_single_bad_steps_are_skipped_and_counted(tmp_path, monkeypatch):
    code = making.copy("vae", tmp_path)
    gradient = Step._gradient

    def poison(self, number, batches, moment):
        if moment.step == 5:
            bad = float("nan")
            batches = [replace(p, batch={"x": p.batch["x"] * bad}) for p in batches]
        return gradient(self, number, batches, moment)

    monkeypatch.setattr(Step, "_gradient", poison)
    trained = train.train(code, tmp_path / "run", QUIET)
    assert trained.counters.skipped == 3
    assert [line["skipped"] for line in run_folder.read_metrics(tmp_path / "run")] == [1, 1, 1]
    assert all(torch.isfinite(p).all() for p in trained.loaded.program.parameters())


def test_validation_is_measured_on_rows_that_do_not_train(tmp_path):
    code = making.copy("vae", tmp_path, validate_every=2, epochs=4)
    train.train(code, tmp_path / "run", QUIET)
    lines = run_folder.read_metrics(tmp_path / "run")
    assert ["valid" in line for line in lines] == [False, True, False, True]
    assert lines[3]["valid"]["loss"] < lines[1]["valid"]["loss"]


def test_data_is_checked_before_anything_is_written(tmp_path):
    code = making.copy("vae", tmp_path, lambda m: m["data"]["fields"]["x"].update(binarize="none"))
    assert fails("E0508", code, tmp_path / "run", QUIET).exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    code = making.copy("vae", tmp_path)
    (tmp_path / "file").write_text("")
    assert "cannot be written" in fails("E0811", code, tmp_path / "file" / "run", QUIET).message


def test_memory_is_named(tmp_path):
    code = making.copy("vae", tmp_path)
    making.edit(code, "model.py", "return self.decoder(z)", "return z.new_empty(10**15)")
    failure = fails("E0810", code, tmp_path / "run", QUIET)
    assert "not enough memory for model.x" in failure.message
    assert failure.place == "vae.yaml:10:3"
