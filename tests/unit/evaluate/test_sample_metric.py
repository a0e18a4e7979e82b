"""Figures of samples from a spec to result.json, the terminal and the page."""

import json

import pytest
import torch

import specc
from specc.evaluate.compared import no_other_run
from specc.evaluate.sample_metric import MetricRequest, measure_metric
from specc.report.page import page
from specc.runtime.failure import RunFailure
from tests.unit.cli.running import run as specc_verb

CLOUD = """
specc: 1
name: cloud
data: {source: toy, density: moons, rows: 600, fields: {x: {from: x}, y: {from: label}}}
model:
  y: {given: y}
  x: {observed: normal, loc: f(y), scale: 1, shape: [2]}
links: {f: linear}
objective: mle
train: {epochs: 2, threads: 1}
evaluate:
  likelihood: {}
  two_sample: {metric: mmd, kernel: energy, permutations: 19}
  sliced: {metric: sliced_wasserstein, samples: 77}
  modes: {metric: mode_coverage, centres: [[0, 1], [1, 0]], radius: 1}
  features: {metric: frechet, features: {classifier: {run: tell}}}
  classes: {metric: label_accuracy, run: tell, label: y}
"""
TELL = """
specc: 1
name: tell
data: {source: toy, density: moons, rows: 600, fields: {x: {from: x}, y: {from: label}}}
model:
  x: {given: x}
  y: {observed: categorical, logits: net(x), classes: 2}
links: {net: {mlp: [20]}}
objective: mle
train: {optimizer: {adam: {lr: 0.01}}, epochs: 20, threads: 1}
"""


def model(text, folder, name):
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return specc.load(path)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    model(TELL, folder, "tell").train(folder / "tell")
    return model(CLOUD, folder, "cloud").train(folder / "cloud")


def test_the_result_has_every_number_with_what_it_is_of(cloud):
    figures = json.loads((cloud.folder / "result.json").read_text())["evaluate"]
    assert list(figures) == [
        "likelihood",
        "two_sample",
        "sliced",
        "modes",
        "features",
        "classes",
    ]
    found = figures["two_sample"]
    assert list(found["values"]) == ["mmd2", "p_value"]
    assert found["value"] == found["values"]["mmd2"]["value"]
    assert found["rows"] == found["samples"] == 120 and found["of"] == "x"
    assert found["options"]["kernel"] == {"energy": {"exponent": 1.0}}
    assert figures["sliced"]["samples"] == 77
    assert "input of model." in figures["features"]["features"]
    assert str(cloud.folder.parent / "tell") in figures["features"]["features"]


def test_a_figure_is_the_same_again(cloud, capsys):
    figures = json.loads((cloud.folder / "result.json").read_text())["evaluate"]
    again = json.loads(specc_verb(capsys, "evaluate", cloud.folder, "--json").out)
    for name in ("two_sample", "sliced", "modes", "features", "classes"):
        assert again[name]["values"] == figures[name]["values"], name


def test_a_metric_of_the_command_line(cloud, capsys):
    text = "{metric: sliced_wasserstein, order: 2, projections: 10}"
    more = ("--metric", "mmd", "--metric", text, "--rows", 50, "--part", "train", "--seed", 3)
    done = specc_verb(capsys, "evaluate", cloud.folder, *more)
    first, second, *_ = done.out.splitlines()
    assert done.code == 0
    assert first.startswith("metric: mmd of x, mmd2 ") and "(50 rows of `train`, 50 " in first
    assert second.startswith("metric_2: sliced_wasserstein of x, distance ")
    wrong = specc_verb(capsys, "evaluate", cloud.folder, "--metric", "mdm")
    assert wrong.code == 2 and "did you mean `mmd`?" in wrong.err


def test_the_terminal_and_the_page_show_them(cloud, capsys):
    lines = specc_verb(capsys, "evaluate", cloud.folder).out.splitlines()
    assert lines[0].startswith("likelihood: log p(x | y) = ")
    assert any(line.startswith("modes: mode_coverage of x, modes 1, near ") for line in lines)
    html = page(cloud.loaded)
    for words in ("mmd: mmd2", "mmd: p_value", "label_accuracy: accuracy", "mode_coverage: near"):
        assert f"<td>{words}</td>" in html


def test_runs_and_seeds_go_on_as_before(cloud, capsys):
    assert "two_sample" in specc_verb(capsys, "runs", cloud.folder).out


def test_a_run_that_is_not_there_is_missed_before_training(tmp_path):
    text = CLOUD.replace("run: tell, label", "run: tall, label")
    with pytest.raises(RunFailure, match="there is no run `tell`") as failure:
        model(text, tmp_path, "cloud").train(tmp_path / "run")
    assert failure.value.code == "E0802" and not (tmp_path / "run").exists()


def request(**changes):
    entry = {"metric": "mmd", "node": "x", "data": "test", "rows": 100, "seed": 0}
    options = {"kernel": {"energy": {"exponent": 1.0}}, "bandwidth": None, "permutations": 99}
    return MetricRequest.of({**entry, "units": "model", "options": options, **changes})


def test_a_model_whose_samples_are_the_data_passes(cloud, monkeypatch):
    """And one whose samples are not is found out; the test is of the samples of the model."""
    far = measure_metric(cloud.loaded, request(), no_other_run)
    assert far.values["p_value"].value == pytest.approx(0.01)

    def rows(noise, count, **given):
        held = cloud.loaded.rows("train").batch(slice(0, count), noise)
        return {"x": held["x"]}

    monkeypatch.setattr(cloud.program.model, "sample", rows)
    near = measure_metric(cloud.loaded, request(), no_other_run)
    assert near.values["p_value"].value > 0.01


def test_samples_are_given_the_rows_that_they_are_compared_with(cloud, monkeypatch):
    seen = {}

    def rows(noise, count, **given):
        seen.update(given)
        return {"x": torch.zeros(count, 2)}

    monkeypatch.setattr(cloud.program.model, "sample", rows)
    measure_metric(cloud.loaded, request(samples=150), no_other_run)
    labels = cloud.loaded.rows("test").batch(slice(0, 120), None)["y"]
    assert seen["y"].tolist() == [*labels.tolist(), *labels[:30].tolist()]
