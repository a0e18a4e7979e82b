"""Schedules, moving averages, micro-batches and early stopping: each run resumes exactly."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from specc.engine import train
from specc.engine.loop import loop
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.loaded_run import load_run
from specc.engine.train import Options
from specc.runtime.failure import RunFailure
from tests.engine.test_train import QUIET, RESUME, losses, state_hash, weights_hash
from tests.programs import making

EVERYTHING = {
    "epochs": 8,
    "schedule": {"plateau": {"patience": 1, "warmup": 0.1}},
    "ema": 0.9,
    "accumulate": 3,
    "early_stopping": {"patience": 4},
    "clip": 1.0,
    "keep": 3,
}


def weights(program):
    return {name: p.detach().clone() for name, p in program.named_parameters()}


@pytest.mark.parametrize("stop_at", [5, 17, 40])
def test_a_run_with_everything_resumes_to_the_same_end(tmp_path, monkeypatch, stop_at):
    code = making.copy("vae", tmp_path, **EVERYTHING)
    whole = train.train(code, tmp_path / "whole", QUIET)
    step, count = Step.__call__, 0

    def stop(self, epoch, number, index):
        nonlocal count
        count += 1
        if count == stop_at:
            raise KeyboardInterrupt
        return step(self, epoch, number, index)

    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(loop, "READ_EVERY", 4)
    monkeypatch.setattr(Step, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train(code, tmp_path / "run", QUIET)
    monkeypatch.undo()
    again = train.train(code, tmp_path / "run", RESUME)
    assert again.counters.total == whole.counters.total
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    assert weights_hash(tmp_path / "run") == weights_hash(tmp_path / "whole")
    assert state_hash(tmp_path / "run") == state_hash(tmp_path / "whole")
    mine, theirs = weights(again.loaded.program), weights(whole.loaded.program)
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_the_rate_in_the_record_is_that_of_the_schedule(tmp_path):
    code = making.copy("vae", tmp_path, epochs=4, schedule={"linear": {"final": 0.0}})
    train.train(code, tmp_path / "run", QUIET)
    lines = run_folder.read_metrics(tmp_path / "run")
    total = lines[-1]["step"]
    wanted = [0.003 * (1 - (line["step"] - 1) / total) for line in lines]
    assert [line["lr"] for line in lines] == pytest.approx(wanted)


def test_a_run_ends_early_with_its_best_weights(tmp_path):
    code = making.copy(
        "vae", tmp_path, epochs=50, early_stopping={"patience": 2, "least": 1e9}, validate_every=1
    )
    trained = train.train(code, tmp_path / "run", QUIET)
    # The first validation remains the best, since none improves by 10^9.
    assert trained.counters.epoch == 3
    best = checkpoint.best(tmp_path / "run")
    assert best.counters.total == run_folder.read_metrics(tmp_path / "run")[0]["step"]
    for program in (trained.loaded.program, load_run(tmp_path / "run").program):
        assert all(torch.equal(p, best.weights[name]) for name, p in program.named_parameters())
    last = checkpoint.latest(tmp_path / "run")
    assert any(not torch.equal(last.weights[n], best.weights[n]) for n in best.weights)


def test_an_early_end_needs_rows_to_validate_on(tmp_path):
    def without(manifest):
        manifest["data"]["split"] = {"test": 0.2}

    code = making.copy("vae", tmp_path, without, early_stopping={"patience": 2})
    with pytest.raises(RunFailure) as failure:
        train.train(code, tmp_path / "run", QUIET)
    assert failure.value.code == "E0509"
    assert not (tmp_path / "run").exists()


def test_the_mean_of_the_weights_is_what_is_used(tmp_path):
    code = making.copy("vae", tmp_path, ema=0.9)
    trained = train.train(code, tmp_path / "run", QUIET)
    found = checkpoint.latest(tmp_path / "run")
    assert set(found.averages) == set(dict(trained.loaded.program.named_parameters()))
    for program in (trained.loaded.program, load_run(tmp_path / "run").program):
        for name, parameter in program.named_parameters():
            assert torch.equal(parameter, found.averages[name])
            assert not torch.equal(parameter, found.weights[name])


def test_checkpoints_are_kept_as_configured(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    code = making.copy("vae", tmp_path, epochs=5, keep=4)
    train.train(code, tmp_path / "run", QUIET)
    assert len(list((tmp_path / "run/checkpoints").iterdir())) == 4


def test_a_batch_in_pieces_has_the_gradient_of_the_whole(tmp_path):
    """The loss without noise is a mean over rows, so it does not depend on the micro-batches."""
    making.linear_data(tmp_path / "data")
    found = []
    for pieces in (1, 4, 7):
        folder = tmp_path / str(pieces)
        code = making.copy(
            "linear", folder, accumulate=pieces, epochs=1, optimizer={"sgd": {"lr": 0.1}}
        )
        for file in ("objective.py",):
            making.edit(code, file, "normal.rsample(noise, ", "still(")
            text = (code / file).read_text()
            still = "\n\ndef still(loc, scale, **_):\n    return loc + 0.0 * scale\n"
            (code / file).write_text(text + still)
        trained = train.train(
            code, folder / "run", Options(quiet=True, threads=1, data_dir=tmp_path / "data")
        )
        found.append(weights(trained.loaded.program))
    for other in found[1:]:
        for name, value in found[0].items():
            assert torch.allclose(other[name], value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["adafactor", "asgd", "rprop", "nadam", "adadelta"])
def test_every_optimizer_resumes_to_itself(tmp_path, name):
    code = making.copy("vae", tmp_path, optimizer={name: {}}, epochs=2)
    whole = train.train(code, tmp_path / "whole", QUIET)
    assert math.isfinite(whole.metrics["loss"])
    run = tmp_path / "run"
    train.train(code, run, QUIET)
    for folder in sorted((run / "checkpoints").iterdir()):
        assert folder.is_dir()
    again = train.train(code, run, RESUME)
    assert state_hash(run) == state_hash(tmp_path / "whole")
    assert again.counters == whole.counters or again.counters.total == whole.counters.total


def test_the_weight_of_divergences_rises_with_the_steps(tmp_path, monkeypatch):
    """The weight is 0 at the first step, and 1 from half of the run on."""
    from specc.compiler import compile
    from specc.diagnostics.source import Source

    text = (Path(__file__).parents[2] / "specs/vae.yaml").read_text(encoding="utf-8")
    text = text.replace("objective: elbo", "objective: {elbo: {warm_up: 0.5}}")
    result, _ = compile(Source("vae.yaml", text.replace("epochs: 200", "epochs: 2")))
    code = tmp_path / "vae"
    code.mkdir()
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    seen = []
    scalars = Step.scalars

    def note(self, player, epoch, step):
        found = scalars(self, player, epoch, step)
        seen.append(found["kl_weight"])
        return found

    monkeypatch.setattr(Step, "scalars", note)
    train.train(code, tmp_path / "run", QUIET)
    total = len(seen)
    assert seen == [min(1.0, step / (0.5 * total)) for step in range(total)]
    line = run_folder.read_metrics(tmp_path / "run")[0]["parts"]
    divergence = next(value for name, value in line.items() if name.startswith("KL"))
    fit = line["log p(x | z)"]
    assert -fit < line["loss"] < divergence - fit
