"""Standardized data come back in their own units, with their own density."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import stats

import specc
from specc.cli.main import main
from specc.report.plane import _density
from tests.unit.data.files import write_npz

SPEC = """
specc: 1
name: two
data:
  source: a.npz
  fields: {x: {from: x, shape: [2], standardize: true}}
  split: {test: 0.2}
model:
  m: {parameter: real, shape: [2], init: 0.2}
  s: {parameter: positive, shape: [2], init: 1.5}
  x: {observed: normal, loc: m, scale: s, missing: integrate}
objective: mle
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 50, steps: 2, precision: float64}
evaluate: {test: {estimator: exact, data: test}}
"""
X = np.random.default_rng(0).normal(size=(100, 2)) * [3.0, 0.01] + [100.0, 5.0]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("units")
    write_npz(folder / "a.npz", x=X)
    (folder / "a.yaml").write_text(SPEC)
    return specc.load(folder / "a.yaml").train(folder / "run", device="cpu")


def fitted(run):
    """Mean and standard deviation of the model, in the units of the data."""
    found = run.loaded.data.record["x"]
    mean, deviation = np.array(found["mean"]), np.array(found["deviation"])
    own = run.program.model
    loc, scale = own.m.detach().numpy(), own.s.detach().numpy()
    return mean + loc * deviation, scale * deviation, deviation


def test_the_density_is_that_of_the_data(run):
    loc, scale, deviation = fitted(run)
    expected = stats.norm.logpdf(X, loc, scale)
    np.testing.assert_allclose(run.log_prob(torch.tensor(X)), expected.sum(1), rtol=1e-10)
    found = run.loaded.data.record["x"]
    standard = torch.tensor((X - found["mean"]) / deviation)
    shifted = expected.sum(1) + np.log(deviation).sum()
    np.testing.assert_allclose(run.log_prob(standard, units="model"), shifted, rtol=1e-9)


def test_entries_that_are_missing_have_no_density(run):
    loc, scale, _ = fitted(run)
    rows = X.copy()
    rows[0, 0] = rows[1, 1] = np.nan
    expected = np.nansum(stats.norm.logpdf(rows, loc, scale), 1)
    np.testing.assert_allclose(run.log_prob(torch.tensor(rows)), expected, rtol=1e-10)


def test_figures_are_of_standardized_data_and_say_by_how_much(run):
    _, _, deviation = fitted(run)
    figure = run.result["evaluate"]["test"]
    assert figure["log_scale"] == pytest.approx(np.log(deviation).sum(), rel=1e-9)
    rows = run.loaded.rows("test").fields["x"].raw
    standard = run.log_prob(rows, units="model").mean().item()
    assert figure["value"] == pytest.approx(standard, rel=1e-9)
    record = run.loaded.data.record["x"]
    mean, dev = (torch.tensor(record[key], dtype=torch.float64) for key in ("mean", "deviation"))
    own = run.log_prob(rows * dev + mean).mean().item()
    assert own == pytest.approx(figure["value"] - figure["log_scale"], rel=1e-9)


def test_rows_that_are_drawn(run, capsys):
    loc, scale, deviation = fitted(run)
    rows = run.sample(4000, seed=1)["x"]
    assert rows.dtype == torch.float64
    # A mean of 4,000 rows is off by more than 5 of its errors once in a million times.
    assert (np.abs(rows.mean(0).numpy() - loc) < 5 * scale / 4000**0.5).all()
    other = run.sample(4000, seed=1, units="model")["x"]
    center = np.array(run.loaded.data.record["x"]["mean"])
    np.testing.assert_allclose(other.numpy() * deviation + center, rows.numpy(), rtol=1e-9)
    for units in ("data", "model"):
        out = run.folder / f"{units}.npz"
        arguments = ["sample", str(run.folder), "--rows", "9", "--out", str(out)]
        assert main([*arguments, "--units", units]) == 0
        drawn = np.load(out)["x"]
        np.testing.assert_allclose(drawn, run.sample(9, units=units)["x"].numpy(), rtol=1e-12)
    assert main(["evaluate", str(run.folder)]) == 0
    assert "of transformed data, 3." in capsys.readouterr().out


def test_values_that_are_filled(run):
    loc, _, _ = fitted(run)
    rows = torch.tensor(X[:5])
    rows[2, 1] = torch.nan
    filled = run.impute(x=rows, draws=2, sweeps=1)["x"]
    known = ~rows.isnan()
    np.testing.assert_allclose(filled.values[known], rows[known], rtol=1e-12)
    assert abs(filled.values[2, 1].item() - loc[1]) < 0.1
    assert abs(filled.draws[0, 2, 1].item() - 5) < 0.2


def test_the_picture_of_the_plane_is_one_of_the_data(tmp_path):
    write_npz(tmp_path / "a.npz", x=X)
    (tmp_path / "a.yaml").write_text(SPEC.replace(", missing: integrate", ""))
    run = specc.load(tmp_path / "a.yaml").train(tmp_path / "run", device="cpu")
    loc, scale, _ = fitted(run)
    window = np.stack([loc - 6 * scale, loc + 6 * scale])
    density = _density(run.loaded, "x", window)
    assert density is not None
    across, up = (window[1] - window[0]) / density.shape
    # The middles of 200 cells over 12 standard deviations: the sum is 1 to 1e-6.
    assert density.sum() * across * up == pytest.approx(1, abs=1e-6)


def test_the_record_of_the_run_has_the_inverse(run):
    facts = json.loads((run.folder / "run.json").read_text())
    train = run.loaded.rows("train").fields["x"].raw.numpy()
    assert abs(train.mean(0)).max() < 1e-9
    assert set(facts["data_record"]["x"]) == {"mean", "deviation"}
