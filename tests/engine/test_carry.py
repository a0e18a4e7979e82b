"""A warm start copies the tensors with equal names and shapes, and no others."""

from __future__ import annotations

import pytest
import torch

from specc.engine import train
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint, run_folder
from specc.engine.train import Options
from specc.runtime.failure import RunFailure
from specc.verdict import renamed
from tests.engine.test_train import QUIET, RESUME, weights_hash
from tests.programs import making


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    root = tmp_path_factory.mktemp("first")
    train.train(making.copy("vae", root, epochs=2), root / "run", QUIET)
    return root / "run"


def start(folder, **more):
    return Options(quiet=True, threads=1, start=folder, **more)


def test_a_run_starts_where_another_ended(first, tmp_path):
    code = making.copy("vae", tmp_path, epochs=1, seed=5)
    said = []
    train.train(code, tmp_path / "run", start(first, say=said.append))
    facts, _ = run_folder.facts_of(tmp_path / "run")
    assert facts["carried"]["fresh"] == []
    assert "tensors come from" in said[0]
    assert (
        run_folder.read_metrics(tmp_path / "run")[0]["loss"]
        < run_folder.read_metrics(first)[0]["loss"]
    )


def test_only_tensors_of_equal_shape_are_loaded(first, tmp_path):
    code = making.copy("vae", tmp_path, lambda m: m.update(parameters=[]), epochs=1)
    making.edit(code, "model.py", "24", "12")
    train.train(code, tmp_path / "run", start(first))
    facts, _ = run_folder.facts_of(tmp_path / "run")
    assert facts["carried"]["fresh"]
    shapes = {name: tensor.shape for name, tensor in checkpoint.latest(first).weights.items()}
    mine = {
        name: tensor.shape for name, tensor in checkpoint.latest(tmp_path / "run").weights.items()
    }
    assert set(facts["carried"]["taken"]) == {n for n in mine if shapes.get(n) == mine[n]}


def test_a_warm_start_resumes_to_itself(first, tmp_path, monkeypatch):
    code = making.copy("vae", tmp_path, epochs=2, ema=0.9)
    train.train(code, tmp_path / "whole", start(first))

    def stop(self, epoch, number, index):
        raise KeyboardInterrupt

    monkeypatch.setattr(Step, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train(code, tmp_path / "run", start(first))
    monkeypatch.undo()
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(tmp_path / "whole")


def test_a_new_name_is_found_by_moved(first, tmp_path):
    saved = checkpoint.latest(first).weights
    old = next(name for name in saved if name.startswith("model."))
    _, module, _ = old.split(".", 2)
    moved = {f"model.{module}": "model.other"}
    assert renamed(old, moved).startswith("model.other.")
    assert renamed("guide.encoder.0.weight", moved) == "guide.encoder.0.weight"
    assert renamed("a.b.c", {"a": "x", "a.b": "y"}) == "y.c"


def test_nothing_that_fits_is_refused_before_a_folder_is_made(first, tmp_path):
    moved = {"model": "elsewhere", "guide": "nowhere"}
    code = making.copy("vae", tmp_path, lambda m: m["digests"].update(math="other"))
    with pytest.raises(RunFailure) as failure:
        train.train(code, tmp_path / "run", start(first, moved=moved))
    assert failure.value.code == "E0814"
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    code = making.copy("vae", tmp_path)
    with pytest.raises(RunFailure) as failure:
        train.train(code, tmp_path / "run", start(tmp_path / "none"))
    assert failure.value.code == "E0802"


def test_the_weights_really_are_those(first, tmp_path, monkeypatch):
    code = making.copy("vae", tmp_path, epochs=1)
    seen = {}

    def look(self, epoch, number, index):
        seen.update({n: p.detach().clone() for n, p in self.program.named_parameters()})
        raise KeyboardInterrupt

    monkeypatch.setattr(Step, "__call__", look)
    with pytest.raises(KeyboardInterrupt):
        train.train(code, tmp_path / "run", start(first))
    saved = checkpoint.latest(first).weights
    assert all(torch.equal(value, saved[name]) for name, value in seen.items())
