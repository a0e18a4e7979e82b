"""A part of one row has its metric everywhere, and no standard error."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specc
from specc.cli.train import metric_line, over_seeds
from specc.report.standard_error import NONE, with_error
from tests.unit.cli.running import run as specc_verb

SPEC = """
specc: 1
name: one
data: {source: npz, path: d.npz, split: {test: {path: t.npz}}, fields: {
  x: {from: x, shape: [3]}, y: {from: y, shape: [], dtype: int64}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: down(z), scale: 1, shape: [3]}
  y: {observed: bernoulli, logits: label(z), shape: []}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear, label: linear}
objective: elbo
train: {steps: 2, threads: 1, batch_size: 4}
evaluate: {test: {estimator: iwae, data: test, particles: 30}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("one")
    draws = np.random.default_rng(0)
    for name, rows in (("d.npz", 8), ("t.npz", 1)):
        values = {"x": draws.normal(size=(rows, 3)), "y": draws.integers(0, 2, rows)}
        np.savez(where / name, **values)
    (where / "spec.yaml").write_text(SPEC, encoding="utf-8")
    specc.load(where / "spec.yaml").train(where / "run", data_dir=where)
    return where / "run"


def test_every_verb_has_the_figure_without_an_error(folder, capsys):
    value = json.loads((folder / "result.json").read_text())["evaluate"]["test"]
    assert value["standard_error"] is None
    shown = f"{value['value']:.3f} nats a row, no error: one row, or dependent rows"
    done = specc_verb(capsys, "evaluate", folder)
    assert done.code == 0 and shown in done.out and "1 row of `test`" in done.out
    assert "units active" not in done.out and "nan" not in done.out
    done = specc_verb(capsys, "evaluate", folder, "--json")
    found = json.loads(done.out)
    assert done.code == 0 and found["test"]["standard_error"] is None
    assert found["labels"]["y"]["accuracy"]["standard_error"] is None
    done = specc_verb(capsys, "report", folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert done.code == 0 and f"{value['value']:.2f}</b>" in page and ">nan<" not in page
    done = specc_verb(capsys, "runs", folder)
    assert (
        done.code == 0 and f"{value['value']:.3f}, no error: one row, or dependent rows" in done.out
    )


def test_training_on_it_ends_well(tmp_path, folder, capsys):
    """The lines after training come from the metrics in memory, not from a file."""
    spec = folder.parent / "spec.yaml"
    arguments = ("train", spec, "--data-dir", spec.parent, "--out", tmp_path / "run")
    done = specc_verb(capsys, *arguments, "--seeds", "0")
    assert done.code == 0 and "nats a row, no error: one row, or dependent rows" in done.out


def test_figures_of_seeds():
    def answer(value):
        return {"evaluate": {"test": {"value": value}}}

    assert over_seeds([answer(-1.0)]) == "test: -1.000 nats a row (no standard deviation: one seed)"
    assert over_seeds([answer(-1.0), answer(-3.0)]) == (
        "test: -2.000 nats a row, standard deviation 1.414 (2 seeds)"
    )
    assert over_seeds([answer(-1.0), answer(None)]) == "test: not finite for 1 of 2 seeds"


def test_a_value_with_its_error():
    assert with_error(-1.0, 0.25, "nats") == "-1.000 +- 0.250 nats"
    assert (
        with_error(-1.0, None)
        == with_error(-1.0, float("nan"))
        == "-1.000, no error: one row, or dependent rows"
    )
    assert with_error(None, None) == with_error(float("inf"), 1.0) == "not finite"


def test_a_single_sequence_has_the_reason_once():
    summary = {"of": "log p(x)", "value": -16.0, "standard_error": None, "estimator": "iwae"}
    summary |= {"particles": 1, "rows": 1, "data": "test"}
    summary |= {"value_per_step": -2.0, "standard_error_per_step": None}
    assert metric_line("test", summary) == (
        f"test: log p(x) >= -16.000 nats a row, {NONE} (iwae, 1 particle, 1 row of `test`); "
        "-2.000 a step"
    )
    summary |= {"standard_error": 1.0, "standard_error_per_step": 0.125, "rows": 2}
    assert metric_line("test", summary).endswith("2 rows of `test`); -2.000 +- 0.125 a step")
