"""Runs of the samplers whose chains advance in lock step.

A mean is accepted within 5 Monte Carlo standard errors: a false alarm in 2 million.
"""

from __future__ import annotations

import signal

import numpy as np
import pytest

from specc.engine.samplers.draws import Draws
from specc.engine.samplers.driver import Transitions
from specc.engine.train import train
from specc.evaluate.chain_diagnostics import diagnose
from specc.runtime import unconstrained
from specc.runtime.failure import RunFailure
from tests.engine.test_samplers import (
    REGRESSION,
    SCALE,
    found,
    mean_of_scale,
    options,
    regression_rows,
    rows,
    run_of,
)
from tests.engine.test_written_players import made

OPTIONS = {
    "hmc": "{hmc: {chains: 20, warmup: 100, draws: 50}}",
    "mala": "{mala: {chains: 20, warmup: 150, draws: 250}}",
}


def sampler(name):
    return f"sampler: {OPTIONS[name]}\ntrain: {{compile: 'off'}}\n"


@pytest.mark.parametrize("name", OPTIONS)
def test_a_conjugate_regression(tmp_path, name):
    x, y = regression_rows(tmp_path)
    own = found(run_of(tmp_path, REGRESSION, sampler=sampler(name)))
    covariance = np.linalg.inv(x.T @ x / 0.25 + np.eye(2) / 4)
    mean = covariance @ x.T @ y / 0.25
    for number, key in enumerate(("w[0]", "w[1]")):
        assert abs(own[key].mean - mean[number]) < 5 * own[key].mcse
        assert own[key].sd == pytest.approx(covariance[number, number] ** 0.5, rel=0.15)
        assert own[key].r_hat < 1.08


@pytest.mark.parametrize("name", OPTIONS)
def test_a_scale_by_quadrature(tmp_path, name):
    rows(tmp_path, y=[0.3, -1.0])
    own = found(run_of(tmp_path, SCALE, sampler=sampler(name)))["tau"]
    assert abs(own.mean - mean_of_scale(np.array([0.3, -1.0]))) < 5 * own.mcse


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_jacobian_is_detected(tmp_path, monkeypatch, name):
    rows(tmp_path, y=[0.3, -1.0])
    monkeypatch.setattr(unconstrained, "exp_log_det", lambda free: 0.0 * free.sum())
    own = found(run_of(tmp_path, SCALE, sampler=sampler(name)))["tau"]
    assert abs(own.mean - mean_of_scale(np.array([0.3, -1.0]))) > 5 * own.mcse


@pytest.mark.parametrize("at", [40, 120])
def test_an_interrupted_run_resumes_bit_for_bit(tmp_path, monkeypatch, at):
    regression_rows(tmp_path)
    code = made(tmp_path, REGRESSION + sampler("hmc"))
    train(code, tmp_path / "whole", options(tmp_path))
    result = Transitions._result

    def stop(self, number):
        if number == at:
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
    assert np.array_equal(whole.statistics, resumed.statistics)


def test_the_statistics_of_trajectories(tmp_path):
    regression_rows(tmp_path)
    diagnostics = diagnose(run_of(tmp_path, REGRESSION, sampler=sampler("hmc")))
    assert not diagnostics.by_minibatches
    stats = diagnostics.data.sample_stats
    assert stats.n_steps.shape == (20, 50) and float(stats.n_steps.min()) >= 1
    assert (stats.n_steps == stats.n_steps[0]).all(), "all chains make the same steps"
    assert 0.6 < float(stats.acceptance_rate.mean()) < 0.99
    assert diagnostics.divergences == 0 and diagnostics.deepest == 0
    assert len(diagnostics.e_bfmi) == 20
