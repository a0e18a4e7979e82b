"""The chains of rows of Monte Carlo EM: state with a value for each training row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from specc.cli.main import main
from specc.data.load import load
from specc.engine.compile.compile_step import compile_step
from specc.engine.settings import settings_of
from specc.engine.step import loss_state
from specc.engine.step.player import NotCompiled, players_of
from specc.engine.step.step import Step
from specc.engine.storage.loaded_run import fresh
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.engine.interruption import interrupted
from tests.engine.test_train import state_hash, weights_hash
from tests.truths.gallery import SPECS, compiled

CPU = torch.device("cpu")
SPEC = Path(SPECS) / "factor_analysis_mcem.yaml"
SMALL = ["--set=train.steps=null", "--set=train.epochs=2", "--set=train.batch_size=40", "--quiet"]


def stepping(folder, *settings):
    code = compiled("factor_analysis_mcem", folder, settings)
    own = settings_of(manifests.read(code).train)
    made = fresh(code, own, CPU)
    rows = load(made.manifest.data, SPECS, own.dtype).part("train")
    return Step(made, players_of(made, own, CPU), rows, own, CPU)


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_step_moves_the_chains_of_its_rows_alone(pieces, tmp_path):
    step = stepping(tmp_path, f"train.accumulate={pieces}")
    before = step.state.tensors["loss"]["z"].clone()
    assert before.shape == (150, 2)
    index = torch.tensor([3, 140, 7, 21])
    step(0, 0, index)
    moved = (step.state.tensors["loss"]["z"] != before).any(-1)
    assert set(moved.nonzero()[:, 0].tolist()) <= set(index.tolist())
    assert moved.sum() >= 2  # of four proposals, at least two are accepted


def test_a_skipped_step_leaves_them(tmp_path):
    step = stepping(tmp_path)
    with torch.no_grad():
        step.program.model.w[0, 0] = torch.nan
    before = step.state.tensors["loss"]["z"].clone()
    step(0, 0, torch.arange(10))
    assert torch.equal(step.state.tensors["loss"]["z"], before)


def test_other_rows_have_chains_of_their_own(tmp_path):
    step = stepping(tmp_path)
    before = step.state.tensors["loss"]["z"].clone()
    first = step.measure(step.rows, 64)
    assert first == step.measure(step.rows, 64)
    assert torch.equal(step.state.tensors["loss"]["z"], before)


def test_a_graph_is_not_made(tmp_path):
    with pytest.raises(NotCompiled, match="each row"):
        compile_step(stepping(tmp_path))


def test_too_many_numbers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loss_state, "MOST_NUMBERS", 299)
    with pytest.raises(RunFailure, match="150 rows have a state of 300 numbers") as caught:
        stepping(tmp_path)
    assert caught.value.code == "E0844"


def test_a_refused_run_has_no_folder_and_announces_none(tmp_path, monkeypatch, capsys):
    """The state of the chains is made last, when the folder is there."""
    monkeypatch.setattr(loss_state, "MOST_NUMBERS", 1)
    run = tmp_path / "run"
    assert main(["train", str(SPEC), "--out", str(run), *SMALL[:-1]]) == 2
    said = capsys.readouterr().err
    assert "E0844" in said and "training: " in said and "run: " not in said
    assert not run.exists()
    monkeypatch.undo()
    assert main(["train", str(SPEC), "--out", str(run), *SMALL[:-1]]) == 0
    assert f"\nrun:      {run}\n" in capsys.readouterr().err
    monkeypatch.setattr(loss_state, "MOST_NUMBERS", 1)  # a run that was there before stays
    assert main(["train", str(SPEC), "--out", str(run), *SMALL[:-1], "--resume"]) == 2
    assert "resume: " not in capsys.readouterr().err
    assert (run / "run.json").is_file()


def test_interrupted_and_resumed_is_uninterrupted(tmp_path):
    """The weights are the same, and so is the state, with the chains of all rows."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert main(["train", str(SPEC), "--out", str(whole), *SMALL]) == 0
    with interrupted(epoch=1, number=1):
        assert main(["train", str(SPEC), "--out", str(broken), *SMALL]) != 0
    assert weights_hash(broken) != weights_hash(whole)
    assert main(["train", str(SPEC), "--out", str(broken), *SMALL, "--resume"]) == 0
    for hash_of in (weights_hash, state_hash):
        assert hash_of(broken) == hash_of(whole)
