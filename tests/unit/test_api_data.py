"""Arrays in place of files, evaluation, reports and comparisons from Python."""

import json

import numpy as np
import pytest
import torch

import specc
from specc.runtime.failure import RunFailure

SPEC = """specc: 1
name: line
data:
  source: csv
  path: absent.csv
  delimiter: ";"
  fields: {x: {from: [a, b]}, y: {from: y}}
  split: {test: 0.2}
model:
  x: {given: x}
  y: {observed: normal, loc: net(x), scale: 0.5}
links: {net: {mlp: [4]}}
objective: mle
train: {epochs: 2, batch_size: 8}
evaluate: {test: {estimator: exact, data: test}}
"""
OWN = np.random.default_rng(0)
ROWS = {"a": OWN.normal(size=40), "b": OWN.normal(size=40), "y": OWN.normal(size=40)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays") / "line.yaml"
    path.write_text(SPEC)
    return specc.load(path)


@pytest.fixture(scope="module")
def run(model, tmp_path_factory):
    return model.train(tmp_path_factory.mktemp("runs") / "line", data=ROWS, device="cpu", threads=1)


def test_the_run_keeps_the_arrays(run):
    with np.load(run.folder / "arrays.npz") as kept:
        assert {name: (kept[name] == ROWS[name]).all() for name in kept} == dict.fromkeys(
            ROWS, True
        )
    assert json.loads((run.folder / "settings.json").read_text())[:1] == ["data.source=npz"]


def test_a_run_that_moved_still_has_its_data(run, tmp_path):
    moved = run.folder.rename(tmp_path / "moved")
    try:
        again = specc.open_run(moved, device="cpu")
        value = again.evaluate().metrics["test"]["value"]
    finally:
        moved.rename(run.folder)
    assert value == run.result["evaluate"]["test"]["value"]


def test_it_resumes_with_the_data_that_it_has(model, run):
    longer = specc.load(model._plan.experiment.source.path, {"train.epochs": 3})
    again = longer.train(run.folder, resume=True, device="cpu")
    assert [line["epoch"] for line in again.metrics] == [1, 2, 3]
    with pytest.raises(RunFailure) as failure:
        longer.train(run.folder, resume=True, data=ROWS)
    assert failure.value.code == "E0801"


def test_frames_and_tensors_are_columns(model, tmp_path):
    import pandas

    frame = pandas.DataFrame(ROWS)
    first = model.train(tmp_path / "frame", data=frame, device="cpu", threads=1)
    tensors = {name: torch.as_tensor(own, dtype=torch.float64) for name, own in ROWS.items()}
    second = model.train(tmp_path / "tensors", data=tensors, device="cpu", threads=1)
    assert first.metrics[-1]["loss"] == second.metrics[-1]["loss"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "no column is given"),
        ({**ROWS, "y": np.full(40, 1j)}, "holds complex128, not numbers"),
        ({**ROWS, "y": 3.0}, "is a single number"),
        ({**ROWS, "y": ROWS["y"][:3]}, "differ in their numbers of rows: `a` 40, `b` 40, `y` 3"),
        ({**ROWS, "y": [[1], [2, 3]]}, "is no array"),
    ],
)
def test_unusable_columns_are_refused_by_name(model, tmp_path, data, words):
    with pytest.raises(RunFailure, match="the data cannot be used") as failure:
        model.train(tmp_path / "run", data=data)
    assert words in failure.value.message
    assert not (tmp_path / "run").exists()


def test_a_column_that_is_absent(model, tmp_path):
    with pytest.raises(RunFailure) as failure:
        model.train(tmp_path / "run", data={"a": ROWS["a"], "y": ROWS["y"]})
    assert failure.value.code == "E0503"
    assert "`b`" in failure.value.message


def test_evaluation_with_other_rows(run):
    every, few = run.evaluate(), run.evaluate(rows=2, part="train")
    assert every.metrics["test"]["rows"] == 8
    assert few.metrics["test"]["rows"] == 2
    assert few.metrics["test"]["value"] != every.metrics["test"]["value"]
    assert "train" in few.parts


def test_the_report_is_a_file(run, tmp_path):
    assert run.report() == run.folder / "report.html"
    assert "line" in run.report(tmp_path / "page.html").read_text()


def test_the_difference_of_two_specs(model, run):
    path = model._plan.experiment.source.path
    wider = specc.load(path, {"links.net.mlp": [8]})
    found = specc.diff(path, wider)
    assert found.verdict == "some-tensors" or found.verdict == "breaks"
    assert any("net" in change.what for change in found.changes)
    assert specc.diff(model, path).verdict == "identical"
    assert specc.diff(run.folder, run.folder).verdict == "identical"
