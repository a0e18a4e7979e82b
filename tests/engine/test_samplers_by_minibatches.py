"""Runs of the samplers by minibatches: posteriors in closed form, unbiased gradients, resume."""

from __future__ import annotations

import signal

import numpy as np
import pytest
import torch

from specc.compiler import compile as compile_spec
from specc.diagnostics.source import Source
from specc.engine.order.streams import Stream, noise_at
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.driver import Transitions
from specc.engine.samplers.minibatch_gradient import MinibatchGradient
from specc.engine.train import train
from specc.evaluate.chain_diagnostics import diagnose
from specc.runtime.failure import RunFailure
from tests.engine.test_samplers import (
    COUNTS,
    REGRESSION,
    options,
    regression_rows,
    rows,
    run_of,
)
from tests.engine.test_train import fails
from tests.engine.test_written_players import made

COMMON = "chains: 20, warmup: 300, draws: 100, thinning: 5"
OPTIONS = {
    "sgld": f"{{sgld: {{step_size: 0.002, {COMMON}}}}}",
    "psgld": f"{{psgld: {{step_size: 0.002, regularization: 1.0, {COMMON}}}}}",
    "sghmc": f"{{sghmc: {{step_size: 0.0005, friction: 0.2, {COMMON}}}}}",
    "sgnht": f"{{sgnht: {{step_size: 0.02, diffusion: 5.0, {COMMON}}}}}",
}


def sampler(name, batch=15):
    return f"sampler: {OPTIONS[name]}\ntrain: {{compile: 'off', batch_size: {batch}}}\n"


@pytest.mark.parametrize("name", OPTIONS)
def test_a_conjugate_regression(tmp_path, name):
    """Half of the rows in a batch: the mean is right, and the deviation within a quarter."""
    x, y = regression_rows(tmp_path)
    loaded = run_of(tmp_path, REGRESSION, sampler=sampler(name))
    draws = Draws.read(loaded.folder).positions
    covariance = np.linalg.inv(x.T @ x / 0.25 + np.eye(2) / 4)
    mean = covariance @ x.T @ y / 0.25
    means = draws.mean(1)
    error = means.std(0, ddof=1) / 20**0.5
    assert (np.abs(means.mean(0) - mean) < 6 * error).all()
    scales = covariance.diagonal() ** 0.5
    assert draws.reshape(-1, 2).std(0) == pytest.approx(scales, rel=0.25)


PLATES = """\
specc: 1
name: groups
data: {source: csv, path: rows.csv, fields: {k: {from: k}, y: {from: y}}}
plates: {groups: 3}
model:
  k: {given: k, plate_index: groups}
  tau: {latent: half_normal, scale: 1, global: true}
  e: {latent: normal, loc: 0, scale: tau, plate: groups}
  y: {observed: normal, loc: "e[k]", scale: 0.5}
"""


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """A run of effects of groups by batches of one row."""
    folder = tmp_path_factory.mktemp("groups")
    random = np.random.default_rng(0)
    rows(folder, k=random.integers(0, 3, 12), y=random.normal(size=12).round(3))
    few = "sampler: {sgld: {step_size: 0.001, chains: 2, warmup: 2, draws: 3}}\n"
    return run_of(folder, PLATES, sampler=few + "train: {compile: 'off', batch_size: 1}\n")


def mean_gradient(loaded, scalars=None):
    """The mean of the gradients of all minibatches of one row, and the full gradient."""
    with loaded.computing(1):
        target = Transitions(loaded, loaded.manifest.stages[0]).target
        own = MinibatchGradient(
            loaded,
            target.coordinates,
            scalars or target.scalars,
            target.rows,
            with_curvature=False,
        )
        position = torch.randn(target.coordinates.size)
        every = position.expand(target.rows, -1)
        batch = own.rows.batch(torch.arange(target.rows), noise_at(0, Stream.DATA, device="cpu"))
        columns = [batch[name][:, None] for name in own.names]
        gradients, values = own.called(every, torch.ones_like(every), *columns)
        slope, value = target.density.batched(position[None])
        return gradients.mean(0), slope[0], values.mean(), value[0]


def test_the_mean_of_all_minibatches_is_the_full_gradient(groups):
    """Also if each row has an entry of a plate of its own."""
    mean, full, value, whole = mean_gradient(groups)
    assert torch.allclose(mean, full, rtol=1e-10)
    assert torch.allclose(value, whole, rtol=1e-10)


def test_a_prior_that_counts_once_for_each_row_is_detected(groups):
    mean, full, _, _ = mean_gradient(groups, {"data_size": 1.0})
    assert not torch.allclose(mean * 12, full, rtol=1e-3)
    assert not torch.allclose(mean, full, rtol=1e-3)


@pytest.mark.parametrize("name", ["psgld", "sgnht"])
def test_an_interrupted_run_resumes_bit_for_bit(tmp_path, monkeypatch, name):
    regression_rows(tmp_path)
    code = made(tmp_path, REGRESSION + sampler(name).replace("thinning: 5", "thinning: 1"))
    train(code, tmp_path / "whole", options(tmp_path))
    result = Transitions._result

    def stop(self, number):
        if number == 320:
            signal.raise_signal(signal.SIGINT)
        return result(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Transitions, "_result", stop)
        with pytest.raises(RunFailure) as failure:
            train(code, tmp_path / "run", options(tmp_path))
    assert failure.value.code == "E0812"
    train(code, tmp_path / "run", options(tmp_path, resume=True))
    whole, resumed = Draws.read(tmp_path / "whole"), Draws.read(tmp_path / "run")
    assert np.array_equal(whole.positions, resumed.positions)
    assert whole.statistics.tobytes() == resumed.statistics.tobytes()


def test_statistics_that_do_not_exist_are_left_out(groups):
    found = diagnose(groups)
    assert found.e_bfmi == () and found.divergences == 0 and found.by_minibatches
    assert set(found.data.sample_stats) == {"lp", "step_size", "n_steps", "diverging"}
    assert all("E-BFMI" not in words for words in found.warnings())


def test_a_batch_of_all_rows_is_exact(tmp_path):
    """Chains with the same noise and the exact gradient: no minibatch is drawn."""
    regression_rows(tmp_path)
    loaded = run_of(tmp_path, REGRESSION, sampler=sampler("sgld", 30).replace("300", "2"))
    with loaded.computing(1):
        chains = Transitions(loaded, loaded.manifest.stages[0])
        gradient = chains.chains.gradient
        positions = torch.randn(20, 2)
        found = gradient(positions, chains.chains._noise(3))
        slopes, values = chains.target.density.batched(positions)
    assert torch.allclose(found.gradients, slopes) and torch.allclose(found.values, values)


def test_the_curvature_is_that_of_the_density(tmp_path):
    """The Hessian of the regression is constant: over all signs z, z (H z) is its diagonal."""
    x, _ = regression_rows(tmp_path)
    loaded = run_of(tmp_path, REGRESSION, sampler=sampler("psgld", 30).replace("300", "2"))
    with loaded.computing(1):
        chains = Transitions(loaded, loaded.manifest.stages[0]).chains
        signs = torch.tensor([[1.0, 1.0], [1.0, -1.0]] * 10)
        inputs = chains.gradient._inputs(torch.randn(20, 2), chains._noise(3))
        _, _, curvatures = chains.gradient.called(inputs[0], signs, *inputs[2:])
    exact = -(x.T @ x / 0.25 + np.eye(2) / 4).diagonal()
    assert curvatures.mean(0).numpy() == pytest.approx(exact, rel=1e-8)


def test_the_curvature_of_a_density_with_a_gradient_of_its_own(tmp_path):
    """With r = exp(u): log p = 16 u - 5 r up to a constant, and its second derivative is -5 r."""
    rows(tmp_path, y=[3, 5, 2, 4])
    few = "sampler: {psgld: {step_size: 0.001, chains: 3, warmup: 1, draws: 1}}\n"
    loaded = run_of(tmp_path, COUNTS, sampler=few + "train: {compile: 'off'}\n")
    with loaded.computing(1):
        chains = Transitions(loaded, loaded.manifest.stages[0]).chains
        positions = torch.tensor([[0.3], [0.0], [1.5]])
        found = chains.gradient(positions, chains._noise(3))
    assert found.curvatures.numpy() == pytest.approx(-5 * positions.exp().numpy(), rel=1e-7)


def test_a_step_size_that_is_too_large_ends_the_run(tmp_path):
    regression_rows(tmp_path)
    code = made(tmp_path, REGRESSION + sampler("sgld").replace("0.002", "10.0"))
    failure = fails("E0833", code, tmp_path / "run", options(tmp_path))
    assert "step size 10" in str(failure)


@pytest.mark.parametrize(("name", "is_idle"), [("sgld", False), ("hmc", True)])
def test_the_size_of_a_batch_is_a_setting_of_minibatches(name, is_idle):
    step = "step_size: 0.1, " if name == "sgld" else ""
    text = f"{REGRESSION}sampler: {{{name}: {{{step}chains: 2}}}}\ntrain: {{batch_size: 5}}\n"
    _, checked = compile_spec(Source("spec.yaml", text))
    assert ("W0432" in {found.code for found in checked.diagnostics}) == is_idle
