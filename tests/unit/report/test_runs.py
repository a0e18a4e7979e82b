"""Runs in a line each, whatever state they are in, and how two differ."""

import json
import shutil
from pathlib import Path

import pytest

import specc
from specc.cli.main import main
from specc.engine.storage import run_folder
from specc.report.runs import differences, found_in, summary

ROOT = Path(__file__).parents[3]
SHORT = {"train.epochs": 1, "train.threads": 1, "evaluate.test.particles": 5}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, rate in (("a", 0.001), ("b", 0.01)):
        given = {**SHORT, "train.optimizer.adam.lr": rate}
        specc.load(ROOT / "specs/linear_vae.yaml", given).train(folder / name)
    return folder


def test_a_finished_run(runs):
    found = summary(runs / "a")
    assert (found.name, found.state, found.epochs) == ("linear_vae", "finished", 1)
    result = json.loads((runs / "a/result.json").read_text())["evaluate"]["test"]
    assert found.metrics == {"test": (result["value"], result["standard_error"])}


def test_a_run_that_is_going_on(runs):
    with run_folder.locked(runs / "a"):
        assert summary(runs / "a").state == "running"
    assert summary(runs / "a").state == "finished"


def test_stopped_and_damaged_runs(runs, tmp_path):
    for name in ("stopped", "damaged"):
        shutil.copytree(runs / "a", tmp_path / name)
        (tmp_path / name / "result.json").unlink()
    (tmp_path / "damaged/run.json").write_text("{")
    (tmp_path / "no run").mkdir()
    states = {Path(s.folder).name: s.state for s in map(summary, found_in([tmp_path]))}
    assert states == {"stopped": "stopped", "damaged": "damaged"}


def test_two_runs_differ_in_what_was_changed(runs):
    found = {d.what: (d.first, d.second) for d in differences(runs / "a", runs / "b")}
    assert found["train.optimizer.adam.lr"] == ("0.001", "0.01")
    settings = {what for what in found if what.startswith("--set ")}
    assert set(found) - settings == {
        "train.optimizer.adam.lr",
        "digests.training",
        "metric test",
    }
    assert settings
    assert differences(runs / "a", runs / "a") == []


def test_the_command(runs, capsys):
    assert main(["runs", str(runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["run", "model"] and len(lines) == 3
    assert main(["runs", str(runs), "--json"]) == 0
    assert [r["state"] for r in json.loads(capsys.readouterr().out)] == ["finished", "finished"]
    assert main(["runs", "--compare", str(runs / "a"), str(runs / "b")]) == 0
    said = capsys.readouterr().out
    assert "train.optimizer.adam.lr" in said
    assert "verdict: checkpoint resumes" in said
    assert main(["diff", str(runs / "a"), str(runs / "b")]) == 0
    assert capsys.readouterr().out.splitlines() == said.splitlines()[-2:]
    assert main(["runs", "--compare", str(runs / "a"), str(runs / "b"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["specs"]["verdict"] == "checkpoint-resumes"
    assert main(["runs", "--compare", str(runs / "a"), str(runs / "a")]) == 0
    assert "have the same settings and metrics" in capsys.readouterr().out
    assert main(["runs", "--compare", str(runs / "a")]) == 2
