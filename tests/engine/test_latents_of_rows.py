"""Runs of samplers that draw a latent of each row: draws, predictions, and resuming.

The mean over rows of a predictive density has a Monte Carlo error of .02 here; it is accepted
within five of them.
"""

from __future__ import annotations

import signal

import numpy as np
import pytest
from scipy import stats

from specc.engine.samplers.draws import Draws
from specc.engine.samplers.driver import Transitions
from specc.engine.storage import latents_of_rows
from specc.engine.storage.loaded_run import load_run
from specc.engine.train import train
from specc.evaluate.estimate import estimate
from specc.evaluate.inference_data import inference_data
from specc.evaluate.sampling import sample
from specc.evaluate.scoring import Request
from specc.runtime.failure import RunFailure
from tests.engine.test_samplers import options
from tests.engine.test_train import fails
from tests.engine.test_written_players import made

TEXT = """specc: 1
name: effects
data: {source: csv, path: d.csv, fields: {x: {from: x}}, split: {test: 0.4}}
model:
  mu: {latent: normal, loc: 0, scale: 2, global: true}
  z: {latent: normal, loc: mu, scale: 1.5, shape: [2]}
  x: {observed: normal, loc: sum(z), scale: 0.8}
sampler: {hmc: {chains: 20, warmup: 60, draws: 30}}
train: {compile: 'off'}
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("effects")
    values = np.random.default_rng(1).normal(1.0, 2.0, 10)
    np.savetxt(folder / "d.csv", values, header="x", comments="")
    return made(folder, TEXT)


@pytest.fixture(scope="module")
def run(code):
    train(code, code.parent / "run", options(code.parent))
    return load_run(code.parent / "run", code=code)


def test_draws_of_rows_have_a_dimension_of_rows(run):
    data = inference_data(run)
    assert data.posterior.z.dims == ("chain", "draw", "row", "z_dim_1")
    assert data.posterior.z.shape == (20, 30, 6, 2)
    assert data.log_likelihood.rows.shape == (20, 30, 6)
    assert list(data.prior.data_vars) == ["mu"]


def test_latents_of_other_rows_are_drawn_from_their_prior(run):
    """log p of a held-out row is that of the exact predictive distribution."""
    x = run.rows("train").batch(slice(None), None)["x"].numpy()
    new = run.rows("test").batch(slice(None), None)["x"].numpy()
    each = 2 * 1.5**2 + 0.8**2
    precision = 1 / 4 + len(x) * 4 / each
    mean = 2 * x.sum() / each / precision
    exact = stats.norm(2 * mean, np.sqrt(each + 4 / precision)).logpdf(new).mean()
    found = estimate(run, Request(particles=600, part="test"))
    assert found.value == pytest.approx(exact, abs=0.1)
    drawn = sample(run, 50).values
    assert drawn["z"].shape == (50, 2)
    assert drawn["mu"].shape == (50,)


def test_interrupted_and_resumed_is_uninterrupted(run, code, tmp_path, monkeypatch):
    result = Transitions._result

    def stop(self, number):
        if number == 50:
            signal.raise_signal(signal.SIGINT)
        return result(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Transitions, "_result", stop)
        with pytest.raises(RunFailure):
            train(code, tmp_path / "run", options(code.parent))
    train(code, tmp_path / "run", options(code.parent, resume=True))
    first, second = (Draws.read(folder) for folder in (run.folder, tmp_path / "run"))
    assert np.array_equal(first.positions, second.positions)


def test_too_many_draws_are_refused_before_a_folder_is_made(code, tmp_path, monkeypatch):
    monkeypatch.setattr(latents_of_rows, "MOST_NUMBERS", 7199)
    failure = fails("E0843", code, tmp_path / "run", options(code.parent))
    assert "`z` of 6 rows have 12 numbers, and 600 draws of them 7,200" in failure.message
    assert not (tmp_path / "run").exists()


BETWEEN = """specc: 1
name: between
data: {source: csv, path: e.csv, fields: {x: {from: x}, y: {from: y}}}
model:
  x: {given: x}
  z: {latent: uniform, low: 0, high: x}
  y: {observed: normal, loc: z, scale: 0.7}
sampler: {hmc: {chains: 50, warmup: 80, draws: 40}}
train: {compile: 'off'}
"""


def test_latents_are_between_ends_of_their_rows(tmp_path):
    """They are normal between 0 and x. Means are accepted within 5 standard errors of 0.03."""
    random = np.random.default_rng(3)
    columns = np.stack([random.uniform(0.5, 3, 6), random.normal(1, 1, 6)], 1)
    np.savetxt(tmp_path / "e.csv", columns, header="x,y", comments="", delimiter=",")
    code = made(tmp_path, BETWEEN)
    train(code, tmp_path / "run", options(tmp_path))
    z = inference_data(load_run(tmp_path / "run", code=code)).posterior.z.values
    x, y = columns.T
    exact = stats.truncnorm(-y / 0.7, (x - y) / 0.7, y, 0.7)
    assert ((z > 0) & (z < x)).all()
    away = (z.mean((0, 1)) - exact.mean()) / exact.std()
    assert np.abs(away).max() < 0.15


def test_a_mean_that_shared_latents_determine_has_a_value_for_each_drawn_row(tmp_path):
    text = TEXT.replace("  z: {latent: normal, loc: mu, scale: 1.5, shape: [2]}\n", "")
    np.savetxt(tmp_path / "d.csv", np.arange(10.0), header="x", comments="")
    code = made(tmp_path, text.replace("sum(z)", "mu"))
    train(code, tmp_path / "run", options(tmp_path))
    drawn = sample(load_run(tmp_path / "run", code=code), 50)
    assert drawn.values["x"].shape == drawn.means["x"].shape == (50,)
