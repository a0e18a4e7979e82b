"""Runs of a sampler: posteriors in closed form, exact resume, predictions, and failures.

A mean is accepted within 5 Monte Carlo standard errors: a false alarm in 2 million.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from specc.engine.distributed import World
from specc.engine.samplers import driver, no_u_turn
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.driver import Transitions
from specc.engine.storage.checkpoint import Counters
from specc.engine.storage.loaded_run import load_run
from specc.engine.storage.run_folder import read_metrics
from specc.engine.train import Trained, train
from specc.evaluate import inference_data
from specc.evaluate.chain_diagnostics import ChainDiagnostics, Row, diagnose
from specc.evaluate.estimate import estimate
from specc.evaluate.leave_one_out import LeaveOneOut
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.sampling import sample
from specc.evaluate.scoring import PREDICTIVE, Request, fixed_batch
from specc.report.final_evaluation import evaluate_at_end
from specc.report.page import page
from specc.report.posterior import in_words, posterior_section
from specc.runtime import unconstrained
from specc.runtime.failure import RunFailure
from specc.runtime.sampler import Sampler
from tests.engine.test_train import QUIET, fails
from tests.engine.test_written_players import made

NUTS = "sampler: {nuts: {chains: 2, warmup: 100, draws: 300}}\ntrain: {compile: 'off'}\n"
REGRESSION = """\
specc: 1
name: regression
data: {source: csv, path: rows.csv, fields: {x: {from: [a, b]}, y: {from: y}}}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  y: {observed: normal, loc: x @ w, scale: 0.5}
"""
SCALE = """\
specc: 1
name: scale
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
model:
  tau: {latent: half_normal, scale: 1, global: true}
  y: {observed: normal, loc: 0, scale: tau}
"""
MIXTURE = """\
specc: 1
name: mixture
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
constants: {locs: [-1.0, 1.0]}
model:
  p: {latent: dirichlet, concentration: 1, shape: [2], global: true}
  k: {latent: categorical, probs: p}
  y: {observed: normal, loc: "locs[k]", scale: 1}
"""


BINARY = """\
specc: 1
name: pixels
data: {source: digits, fields: {x: {from: image, binarize: sample}}, subset: {rows: 20}}
model:
  b: {latent: normal, loc: 0, scale: 1, shape: [64], global: true}
  x: {observed: bernoulli, logits: b}
"""


def options(folder, **others):
    return replace(QUIET, data_dir=folder, threads=1, **others)


def rows(folder, **columns):
    """Writes the columns to the file of the data."""
    names = list(columns)
    lines = [",".join(names)]
    lines += [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")


def run_of(folder, text, name="run", sampler=NUTS):
    code = made(folder, text + sampler)
    train(code, folder / name, options(folder))
    return load_run(folder / name, code=code)


def found(loaded):
    """The diagnostics of each number of a run, by name."""
    return {row.name: row for row in diagnose(loaded).rows}


def regression_rows(folder):
    random = np.random.default_rng(0)
    x = random.normal(size=(30, 2))
    y = x @ [1.0, -2.0] + 0.5 * random.normal(size=30)
    rows(folder, a=x[:, 0], b=x[:, 1], y=y)
    return x, y


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """The data and a run of the regression."""
    folder = tmp_path_factory.mktemp("regression")
    return (*regression_rows(folder), run_of(folder, REGRESSION))


def test_a_conjugate_regression(regression):
    x, y, loaded = regression
    own = found(loaded)
    covariance = np.linalg.inv(x.T @ x / 0.25 + np.eye(2) / 4)
    mean = covariance @ x.T @ y / 0.25
    for number, name in enumerate(("w[0]", "w[1]")):
        assert abs(own[name].mean - mean[number]) < 5 * own[name].mcse
        assert own[name].sd == pytest.approx(covariance[number, number] ** 0.5, rel=0.15)
        assert own[name].r_hat < 1.05


def mean_of_scale(y):
    """The posterior mean of tau, by quadrature."""

    def density(tau):
        return np.exp(stats.norm.logpdf(y, 0, tau).sum() + stats.halfnorm.logpdf(tau))

    mass = integrate.quad(density, 0, 30, limit=200)[0]
    return integrate.quad(lambda tau: tau * density(tau), 0, 30, limit=200)[0] / mass


def test_a_scale_by_quadrature(tmp_path):
    rows(tmp_path, y=[0.3, -1.0])
    own = found(run_of(tmp_path, SCALE))["tau"]
    assert abs(own.mean - mean_of_scale(np.array([0.3, -1.0]))) < 5 * own.mcse


def test_a_wrong_jacobian_is_detected(tmp_path, monkeypatch):
    rows(tmp_path, y=[0.3, -1.0])
    monkeypatch.setattr(unconstrained, "exp_log_det", lambda free: 0.0 * free.sum())
    own = found(run_of(tmp_path, SCALE))["tau"]
    assert abs(own.mean - mean_of_scale(np.array([0.3, -1.0]))) > 5 * own.mcse


def test_a_finite_latent_is_summed_out(tmp_path):
    y = np.array([-1.5, 0.5, 1.0, 2.0])
    rows(tmp_path, y=y)
    few = NUTS.replace("draws: 300", "draws: 150")
    own = found(run_of(tmp_path, MIXTURE, sampler=few))["p[0]"]
    grid = (np.arange(4000) + 0.5) / 4000
    parts = stats.norm.pdf(y[:, None], [[-1.0, 1.0]])
    density = np.prod(grid[:, None] * parts[:, 0] + (1 - grid[:, None]) * parts[:, 1], 1)
    assert abs(own.mean - (grid * density).sum() / density.sum()) < 5 * own.mcse


COUNTS = """\
specc: 1
name: counts
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
model:
  rate: {latent: gamma, concentration: 2, rate: 1, global: true}
  y: {observed: poisson, rate: rate}
"""


def test_densities_with_gradients_of_their_own(tmp_path):
    """They are computed for all chains at once, and recorded."""
    rows(tmp_path, y=[3, 5, 2, 4])
    loaded = run_of(tmp_path, COUNTS)
    own = found(loaded)["rate"]
    assert abs(own.mean - (2 + 14) / (1 + 4)) < 5 * own.mcse
    assert own.sd == pytest.approx(4 / 5, rel=0.2)
    with loaded.computing(1):
        density = Transitions(loaded, loaded.manifest.stages[0]).target.density
        recorded = density.recorded(2)
        recorded.trace()
        slopes, values = recorded(torch.zeros(2, 1))
    assert recorded.traced
    assert slopes.shape == (2, 1) and values.shape == (2,)
    data = inference_data.arviz().from_netcdf(str(loaded.folder / inference_data.FILE))
    draws = torch.as_tensor(data.posterior.rate.values)[..., None]
    expected = torch.distributions.Poisson(draws).log_prob(
        torch.tensor([3.0, 5, 2, 4], dtype=torch.float64)
    )
    assert data.log_likelihood.rows.values == pytest.approx(expected.numpy(), abs=1e-10)


def test_the_diagnostics_are_of_the_rows_that_the_chains_saw(tmp_path):
    """Binarized values are drawn once, for the density and for the leave-one-out estimate."""
    text = BINARY + "sampler: {nuts: {chains: 1, warmup: 10, draws: 4}}\n"
    code = made(tmp_path, text)
    train(code, tmp_path / "run", options(tmp_path))
    loaded = load_run(tmp_path / "run", code=code)
    data = inference_data.inference_data(loaded)
    total = data.log_likelihood.rows.values[0].sum(1)
    b = data.posterior.b.values[0]
    prior = stats.norm.logpdf(b).sum(1)
    kept = Draws.read(loaded.folder).statistics["log_density"][0, 10:]
    assert total + prior == pytest.approx(kept, rel=1e-9)


def test_without_arviz_nothing_starts(regression, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    folder = regression[-1].folder.parent
    failure = fails("E0828", folder / "nvil", tmp_path / "run", options(folder))
    assert "specc[bayes]" in failure.hint
    assert not (tmp_path / "run").exists()


def same_draws(one, other):
    first, second = Draws.read(one), Draws.read(other)
    same = np.array_equal(first.positions, second.positions)
    return same and np.array_equal(first.statistics, second.statistics)


def stop_at(patch, at):
    """Interrupts runs at a transition."""
    result = Transitions._result

    def stop(self, number):
        if number == at:
            signal.raise_signal(signal.SIGINT)
        return result(self, number)

    patch.setattr(Transitions, "_result", stop)


def stopped(code, folder, monkeypatch, at):
    """A run that is interrupted at a transition, and goes on from there."""
    with monkeypatch.context() as patch:
        stop_at(patch, at)
        assert fails("E0812", code, folder / "run", options(folder))
    before = Draws.read(folder / "run").positions.copy()
    train(code, folder / "run", options(folder, resume=True))
    assert not np.array_equal(before, Draws.read(folder / "run").positions)


@pytest.mark.parametrize("at", [37, 130])
def test_an_interrupted_run_resumes_bit_for_bit(regression, tmp_path, monkeypatch, at):
    regression_rows(tmp_path)
    stopped(made(tmp_path, REGRESSION + NUTS), tmp_path, monkeypatch, at)
    assert same_draws(tmp_path / "run", regression[-1].folder)


@pytest.mark.skipif(not shutil.which("g++"), reason="a density of its own needs g++")
def test_so_does_one_whose_density_is_compiled(tmp_path, monkeypatch):
    regression_rows(tmp_path)
    code = made(tmp_path, REGRESSION + NUTS.replace("off", "on"))
    train(code, tmp_path / "whole", options(tmp_path))
    assert "as C++" in (tmp_path / "whole" / "run.json").read_text()
    stopped(code, tmp_path, monkeypatch, 130)
    assert same_draws(tmp_path / "run", tmp_path / "whole")


MORE = REGRESSION + NUTS.replace("draws: 300", "draws: 420")


@pytest.mark.parametrize("at", [None, 130])
def test_a_run_makes_more_draws_as_if_it_had_from_the_start(tmp_path, monkeypatch, regression, at):
    """Also one that was interrupted within an epoch, whose epochs get longer."""
    regression_rows(tmp_path)
    less, more = made(tmp_path, REGRESSION + NUTS), made(tmp_path / "more", MORE)
    train(more, tmp_path / "whole", options(tmp_path))
    if at is None:
        train(less, tmp_path / "run", options(tmp_path))
    else:
        with monkeypatch.context() as patch:
            stop_at(patch, at)
            assert fails("E0812", less, tmp_path / "run", options(tmp_path))
    said = []
    resume = options(tmp_path, resume=True, say=said.append)
    train(more, tmp_path / "run", resume)
    assert any("sampler.nuts.draws: 300 -> 420" in line for line in said)
    assert same_draws(tmp_path / "run", tmp_path / "whole")
    assert not same_draws(tmp_path / "run", regression[-1].folder)
    assert not list((tmp_path / "run" / "draws").glob("*.grown"))
    assert "420 draws, more than 300" in str(fails("E0801", less, tmp_path / "run", resume))


def test_other_chains_need_another_folder(regression, tmp_path):
    _, run, resume = copied(regression, tmp_path)
    text = REGRESSION + NUTS.replace("chains: 2", "chains: 3")
    failure = fails("E0801", made(tmp_path / "three", text), run, resume)
    assert "--from" not in failure.hint and "choose another folder" in failure.hint


def copied(regression, tmp_path):
    """A copy of the run of the regression, its code and the options to resume it."""
    source = regression[-1].folder.parent
    for name in ("run", "nvil"):
        shutil.copytree(source / name, tmp_path / name)
    shutil.copy(source / "rows.csv", tmp_path)
    return tmp_path / "nvil", tmp_path / "run", options(tmp_path, resume=True)


def test_draws_that_were_deleted_are_missed(regression, tmp_path):
    code, run, resume = copied(regression, tmp_path)
    shutil.rmtree(run / "draws")
    assert "before the checkpoint" in str(fails("E0803", code, run, resume))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY nonsense", b"text"])
def test_damaged_draws_are_reported(regression, tmp_path, content):
    code, run, resume = copied(regression, tmp_path)
    (run / "draws" / "positions.npy").write_bytes(content)
    fails("E0803", code, run, resume)


def test_draws_are_not_written_through_a_link(regression, tmp_path):
    code, run, resume = copied(regression, tmp_path)
    (run / "draws").rename(tmp_path / "elsewhere")
    (run / "draws").symlink_to(tmp_path / "elsewhere")
    assert "is a link" in str(fails("E0803", code, run, resume))


def test_a_full_disk_is_found_before_the_first_draw(tmp_path, monkeypatch):
    regression_rows(tmp_path)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    code = made(tmp_path, REGRESSION + NUTS)
    failure = fails("E0811", code, tmp_path / "run", options(tmp_path))
    assert "No space left" in str(failure)
    assert not list((tmp_path / "run" / "draws").iterdir())


def test_the_predictive_density_is_a_mean_over_draws(regression):
    loaded = regression[-1]
    own = estimate(loaded, Request(estimator="exact", particles=50, part="train"))
    assert own.estimator == PREDICTIVE and own.particles == 50
    draws = PosteriorDraws.of(loaded, 50)
    batch = fixed_batch(loaded, loaded.rows("train"), slice(0, 30), 0)
    w = torch.as_tensor(draws.positions)
    logs = torch.distributions.Normal(batch["x"] @ w.T, 0.5).log_prob(batch["y"][:, None])
    expected = torch.logsumexp(logs, 1) - np.log(50)
    assert own.values == pytest.approx(expected, abs=1e-10)


def test_samples_are_of_the_posterior_predictive(regression):
    loaded = regression[-1]
    drawn = sample(loaded, 300, part="train")
    w, mean = drawn.values["w"], drawn.means["y"]
    assert w.shape == (300, 2) and len(torch.unique(w[:, 0])) > 200
    assert mean == pytest.approx((drawn.given["x"] * w).sum(-1), abs=1e-10)
    assert (drawn.values["y"] - mean).std() == pytest.approx(0.5, rel=0.2)


def test_more_rows_than_draws(tmp_path):
    regression_rows(tmp_path)
    few = NUTS.replace("chains: 2", "chains: 1").replace("draws: 300", "draws: 3")
    drawn = sample(run_of(tmp_path, REGRESSION, sampler=few), 10, part="train")
    assert len(torch.unique(drawn.values["w"][:, 0])) == 3
    assert drawn.values["y"].shape == (10,)


def test_the_file_of_arviz_has_every_draw(regression):
    loaded = regression[-1]
    diagnose(loaded)
    data = inference_data.arviz().from_netcdf(str(loaded.folder / inference_data.FILE))
    assert data.posterior.w.shape == (2, 300, 2)
    assert np.array_equal(data.posterior.w, Draws.read(loaded.folder).positions)
    assert data.log_likelihood.rows.shape == (2, 300, 30)
    assert data.sample_stats.diverging.shape == (2, 300)


def test_a_compiled_density_computes_the_same(regression):
    loaded = regression[-1]
    with loaded.computing(1):
        own = Transitions(loaded, loaded.manifest.stages[0])
        positions = np.random.default_rng(0).normal(size=(2, 2))
        density = own.target.density
        values, gradients = density(positions)
        recorded = density.recorded(2)
        recorded.trace()
        recorded.compile()
        again, slopes = density(positions)
    assert again == pytest.approx(values, rel=1e-12)
    assert slopes == pytest.approx(gradients, rel=1e-12)


def test_chains_in_turn_compute_the_same(regression):
    loaded = regression[-1]
    with loaded.computing(1):
        density = Transitions(loaded, loaded.manifest.stages[0]).target.density
        positions = torch.randn(2, 2)
        slopes, values = density.batched(positions)
        turned, again = density.in_turn(positions)
    assert again == pytest.approx(values, rel=1e-12)
    assert turned == pytest.approx(slopes, rel=1e-12)


def test_a_density_that_is_zero_everywhere_has_no_start(tmp_path):
    text = SCALE.replace("normal, loc: 0, scale: tau", "uniform, low: tau, high: tau + 1")
    rows(tmp_path, y=[1000.0, 2000.0])
    code = made(tmp_path, text + NUTS)
    failure = fails("E0827", code, tmp_path / "run", options(tmp_path))
    assert "100 random points" in str(failure)
    assert "for row 0 of `train`" in str(failure) and "node `model.y`" in str(failure)


def test_chains_that_do_not_move_are_refused(tmp_path, monkeypatch):
    """The momentum is always so large that every step is rejected."""
    rows(tmp_path, y=[0.3, 0.4])
    monkeypatch.setattr(no_u_turn, "_ratio", lambda a, b: 0.0)
    failure = fails("E0836", made(tmp_path, SCALE + NUTS), tmp_path / "run", options(tmp_path))
    assert "draws of each of them are equal" in str(failure)


def test_another_run_is_no_start(regression, tmp_path):
    code = regression[-1].folder.parent / "nvil"
    other = options(regression[-1].folder.parent, start=regression[-1].folder)
    assert "random points" in str(fails("E0814", code, tmp_path / "run", other))


def test_several_processes_are_refused(regression, monkeypatch):
    loaded = regression[-1]
    monkeypatch.setattr(driver, "world", lambda: World(rank=0, size=2))
    with pytest.raises(RunFailure) as failure:
        Transitions(loaded, loaded.manifest.stages[0])
    assert failure.value.code == "E0829"


def test_the_report_has_the_posterior(regression):
    loaded = regression[-1]
    evaluate_at_end(Trained(loaded, Counters(), {}, 1))
    html = page(loaded)
    assert "Density, trace and ranks of each chain" in html
    assert "w[1]" in html and "2 chains of 300 draws, R-hat at most" in html


def test_a_number_that_is_not_known_has_a_dash():
    row = {"name": "w", "mean": 1.0, "sd": None, "mcse": None, "ess_bulk": None}
    row |= {"ess_tail": None, "r_hat": None}
    found = {"chains": 1, "draws": 3, "divergences": 0, "latents": [row], "warnings": []}
    assert "<td>-</td>" in posterior_section(found, "")
    assert in_words(found) == "1 chain of 3 draws"


def diagnostics(**changes):
    row = Row("w", 0.0, 1.0, 0.01, 4000.0, 3000.0, 1.0)
    return replace(ChainDiagnostics((row,), 4, 1000, 0, 0, (1.0,) * 4), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"divergences": 3}, "3 of 4,000 transitions diverged"),
        ({"rows": (Row("w", 0, 1, 0.1, 900, 900, 1.2),)}, "do not agree on `w` (R-hat 1.200"),
        ({"rows": (Row("w", 0, 1, 0.1, 900, 900, float("nan")),)}, "do not agree on `w`"),
        ({"rows": (Row("w", 0, 1, 0.1, 300, 900, 1.0),)}, "centre of `w` the draws are worth 300"),
        ({"rows": (Row("w", 0, 1, 0.1, 900, 118, 1.0),)}, "independent ones (ess_tail), and 100"),
        ({"deepest": 7}, "7 of 4,000 trajectories reached the largest depth"),
        ({"e_bfmi": (1.0, 0.2)}, "E-BFMI is 0.20"),
        ({"loo": LeaveOneOut(-3.0, 1.0, 2)}, "leaving out 2 of the rows"),
    ],
)
def test_a_warning_in_words(changes, words):
    (found,) = diagnostics(**changes).warnings()
    assert words in found


def test_chains_by_minibatches_have_other_advice():
    rows = (Row("w", 0, 1, 0.1, 30, 900, 1.2),)
    words = " ".join(diagnostics(rows=rows, by_minibatches=True).warnings())
    assert "a larger `thinning` help" in words and "another `step_size`" in words
    assert "make more draws, or set a larger `thinning`" in words
    assert "another form of the model" not in words
    words = " ".join(diagnostics(rows=rows).warnings())
    assert "another form of the model" in words and "step_size" not in words
    assert "thinning" not in words


def test_good_chains_have_no_warning():
    assert list(diagnostics().warnings()) == []


def test_r_hat_is_known_while_chains_run(regression):
    """It is the split R-hat of ArviZ, and the metrics of an epoch have it after the warm-up."""
    import arviz

    folder = regression[2].folder
    draws = Draws.read(folder)
    chains = np.moveaxis(np.asarray(draws.positions), 2, 0)
    expected = max(arviz.rhat(one, method="split") for one in chains)
    assert draws.r_hat() == pytest.approx(expected)
    lines = read_metrics(folder)
    assert "r_hat" not in lines[0]
    assert lines[-1]["r_hat"] == draws.r_hat()


def test_chains_that_do_not_move_have_no_r_hat(tmp_path):
    sampler = Sampler("nuts", {"chains": 2, "warmup": 0, "draws": 40}, {})
    draws = Draws.create(tmp_path, sampler, 1)
    assert draws.r_hat() is None
    draws.statistics["leapfrogs"] = 1
    assert draws.r_hat() == np.inf
