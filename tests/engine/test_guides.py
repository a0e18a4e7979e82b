"""Runs with a guide of latents that rows share: draws, evidence, predictions, and what is written.

A mean over draws is accepted within 5 standard errors: a false alarm in 2 million.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special, stats

from specc.engine.storage.loaded_run import load_run
from specc.engine.train import train
from specc.evaluate.estimate import estimate
from specc.evaluate.guide_diagnostics import GuideDiagnostics, Weights, diagnose_guide
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.inference_data import arviz
from specc.evaluate.leave_one_out import LeaveOneOut, of_rows
from specc.evaluate.sampling import sample
from specc.evaluate.scoring import PREDICTIVE, Request
from specc.report.final_evaluation import evaluate_at_end
from specc.report.guide import guide_lines, in_words
from specc.report.page import page
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.engine.test_train import QUIET
from tests.engine.test_written_players import made

REGRESSION = """\
specc: 1
name: regression
data: {source: csv, path: rows.csv, fields: {x: {from: [a, b]}, y: {from: y}}}
plates: {groups: 1}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  e: {latent: normal, loc: 0, scale: 1, plate: groups}
  y: {observed: normal, loc: "x @ w + e[0]", scale: 0.5}
guide: {auto: multivariate_normal}
objective: {elbo: {particles: 4}}
train: {epochs: 2, batch_size: 10, precision: float64, compile: 'off'}
evaluate: {fit: {estimator: exact, data: train}}
"""


def design():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2))
    return x, x @ [1.0, -0.5] + 0.3 + 0.5 * rng.normal(size=20)


def posterior():
    """The posterior of (w, e), and the log evidence."""
    x, y = design()
    wide = np.concatenate([x, np.ones((20, 1))], 1)
    prior = np.diag([4.0, 4.0, 1.0])
    covariance = np.linalg.inv(np.linalg.inv(prior) + wide.T @ wide / 0.25)
    mean = covariance @ wide.T @ y / 0.25
    marginal = stats.multivariate_normal(np.zeros(20), wide @ prior @ wide.T + 0.25 * np.eye(20))
    return mean, covariance, marginal.logpdf(y), wide, y


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A short run, whose guide is then set to the posterior."""
    folder = tmp_path_factory.mktemp("guide")
    x, y = design()
    lines = [f"{a!r},{b!r},{c!r}" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True)]
    (folder / "rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    run = train(made(folder, REGRESSION), folder / "run", replace(QUIET, data_dir=folder))
    mean, covariance, *_ = posterior()
    lower = torch.from_numpy(np.linalg.cholesky(covariance) / 0.1)
    guide = run.loaded.program.guide
    with torch.no_grad():
        guide.latents_loc.copy_(torch.from_numpy(mean))
        free = torch.tril(lower, -1) + torch.diag(lower.diagonal().log())
        guide.latents_scale_tril_free.copy_(free)
    return run


def test_draws_are_those_of_the_posterior(trained):
    mean, covariance, *_ = posterior()
    with trained.loaded.computing():
        draws = GuideDraws.of(trained.loaded, 1000)
    assert draws.values["w"].shape == (1000, 2) and draws.values["e"].shape == (1000, 1)
    found = torch.cat([draws.values["w"], draws.values["e"]], 1).numpy()
    assert (abs(found.mean(0) - mean) <= 5 * covariance.diagonal() ** 0.5 / 1000**0.5).all()
    wanted = stats.multivariate_normal(mean, covariance).logpdf(found)
    np.testing.assert_allclose(draws.log_q, wanted, rtol=1e-8)


def test_the_evidence_of_the_exact_posterior_and_of_a_wrong_guide(trained):
    *_, evidence, _, _ = posterior()
    found = diagnose_guide(trained.loaded, 200).weights
    assert abs(found.log_evidence - evidence) < 1e-8 and abs(found.bound - evidence) < 1e-8
    assert found.pareto_k == 0 and not list(found.warnings()) and found.effective > 199.9
    guide = trained.loaded.program.guide
    before = guide.latents_loc.detach().clone()
    with torch.no_grad():
        guide.latents_loc[0] += 3 * 0.12
    wrong = diagnose_guide(trained.loaded, 500).weights
    with torch.no_grad():
        guide.latents_loc.copy_(before)
    assert wrong.bound < evidence - 1 and wrong.bound < wrong.log_evidence
    assert "is not close to the posterior" in "".join(wrong.warnings())


def left_out():
    """Log p of each row given all others: normal, by the inverse of the covariance of the rows."""
    *_, wide, y = posterior()
    precision = np.linalg.inv(wide @ np.diag([4.0, 4.0, 1.0]) @ wide.T + 0.25 * np.eye(20))
    spread = precision.diagonal() ** -0.5
    return stats.norm(y - precision @ y * spread**2, spread).logpdf(y)


@pytest.mark.parametrize(("shift", "width"), [(0.0, 1.0), (0.0, 1.5), (0.4, 1.2)])
def test_leaving_a_row_out_is_exact_for_any_guide(shift, width):
    """Draws of a guide that is not the posterior have weights; without them it is another one.

    The standard error is that of self-normalized importance sampling, of which 5 are accepted.
    """
    mean, covariance, _, wide, y = posterior()
    sd = covariance.diagonal() ** 0.5
    exact = stats.multivariate_normal(mean, covariance)
    guide = stats.multivariate_normal(mean + shift * sd, width**2 * covariance)
    drawn = guide.rvs(20_000, random_state=np.random.default_rng(1))
    log_p = stats.norm(drawn @ wide.T, 0.5).logpdf(y)
    log_r = exact.logpdf(drawn) - guide.logpdf(drawn)
    found, shapes = of_rows(arviz(), log_r, log_p)
    weights = special.softmax(log_r[:, None] - log_p, axis=0)
    ratios = np.exp(log_p - found) - 1.0
    error = np.sqrt((weights**2 * ratios**2).sum(0))
    assert (shapes < 0.7).all() and error.max() < 0.05
    assert (abs(found - left_out()) < 5 * error).all()
    if (shift, width) != (0.0, 1.0):
        wrong, _ = of_rows(arviz(), np.zeros(20_000), log_p)
        assert (abs(wrong - left_out()) > 5 * error).any()
        assert abs(wrong.sum() - left_out().sum()) > 0.3


def test_leaving_a_row_out_of_a_run(trained):
    found = diagnose_guide(trained.loaded).weights.loo
    assert found.untrusted == 0 and found.warning() is None
    assert abs(found.value - left_out().sum()) < 0.15
    assert found.standard_error == pytest.approx(20**0.5 * left_out().std(), rel=0.02)


def test_the_prior_and_the_posterior_of_the_data(trained):
    """Replicates are normal with known moments, and so are draws from the prior."""
    mean, covariance, _, wide, y = posterior()
    data = diagnose_guide(trained.loaded).data
    prior = np.concatenate([data.prior["w"][0], data.prior["e"][0]], 1)
    assert stats.kstest((prior / [2.0, 2.0, 1.0]).reshape(-1), stats.norm.cdf).pvalue > 1e-6
    of_prior = np.zeros(3), np.diag([4.0, 4.0, 1.0])
    moments = {"prior_predictive": of_prior, "posterior_predictive": (mean, covariance)}
    for group, (at, spread) in moments.items():
        found = np.asarray(data[group]["y"])[0]
        of_rows = wide @ spread @ wide.T + 0.25 * np.eye(20)
        away = np.linalg.solve(np.linalg.cholesky(of_rows), (found - wide @ at).T)
        assert stats.kstest(away.reshape(-1), stats.norm.cdf).pvalue > 1e-6
    np.testing.assert_allclose(data.observed_data["y"], y)


WITHOUT_METRICS = REGRESSION.split("evaluate:")[0]
POINT = WITHOUT_METRICS.replace(
    "{auto: multivariate_normal}", "{w: {auto: delta}, e: {auto: mean_field}}"
)
OF_ROWS = (
    WITHOUT_METRICS.replace("plates: {groups: 1}\n", "")
    .replace(", plate: groups", "")
    .replace("e[0]", "e")
    .replace("{auto: multivariate_normal}", "auto")
)


def test_a_point_has_a_prior_to_draw_from(tmp_path):
    program = load(made(tmp_path, POINT))
    first, second = (program.require("model.sample_prior")(Noise.at(n)) for n in (0, 1))
    assert set(first) == {"w", "e"} and (first["w"] != second["w"]).all()
    rows = program.require("model.sample")(Noise.at(0), 3, x=torch.zeros(3, 2), **first)
    torch.testing.assert_close(rows["w"], first["w"])


def test_beside_latents_of_rows_shared_ones_have_a_prior_to_draw_from(tmp_path):
    program = load(made(tmp_path, OF_ROWS))
    assert set(program.require("model.sample_prior")(Noise.at(0))) == {"w"}


def test_the_log_density_of_a_row_averages_over_draws(trained):
    """p(y | x) of the posterior predictive distribution, whose scale is known."""
    mean, covariance, _, wide, y = posterior()
    spread = np.sqrt(np.einsum("ni,ij,nj->n", wide, covariance, wide) + 0.25)
    wanted = stats.norm(wide @ mean, spread).logpdf(y)
    found = estimate(trained.loaded, Request(estimator="elbo", particles=20_000, part="train"))
    assert found.estimator == PREDICTIVE and found.particles == 20_000
    np.testing.assert_allclose(found.values, wanted, atol=0.05)
    one = estimate(trained.loaded, Request(particles=1, part="train"))
    assert abs(one.value - wanted.mean()) > 1e-3


def test_each_row_of_a_sample_has_a_draw_of_its_own(trained):
    found = sample(trained.loaded, 6, part="train")
    assert found.shared == () and found.values["w"].shape == (6, 2)
    assert len(found.values["w"][:, 0].unique()) == 6
    repeated = sample(trained.loaded, 6, part="train").values["w"]
    torch.testing.assert_close(found.values["w"], repeated)


def test_what_a_run_leaves(trained, tmp_path):
    done = evaluate_at_end(trained)
    result = json.loads((trained.loaded.folder / "result.json").read_text())
    assert [row["name"] for row in result["guide"]["latents"]] == ["w[0]", "w[1]", "e[0]"]
    assert done.figures["fit"].estimator == PREDICTIVE
    assert (trained.loaded.folder / "posterior.nc").is_file()
    assert (trained.loaded.folder / "posterior.png").is_file()
    assert (trained.loaded.folder / "posterior_checks.png").is_file()
    shown = page(load_run(trained.loaded.folder))
    assert "Posterior by the guide" in shown and "Pareto k" in shown
    assert "from the prior or the posterior" in shown
    assert "leave-one-out log p of all rows" in shown
    lines = list(guide_lines(result["guide"], 2))
    assert (
        "and 1 more, in result.json and posterior.nc" in lines
        and in_words(result["guide"]) in lines
    )
    assert list(guide_lines(None, 2)) == []


def test_the_words_of_a_heavy_tail():
    weights = Weights(10, 0.0, 1.0, np.inf, 1.0)
    (words,) = GuideDiagnostics((), 10, weights).warnings()
    assert "the guide is not close" in words and "Pareto k infinite" in words
    assert not list(replace(weights, pareto_k=None).warnings())
    left = replace(weights, pareto_k=0.1, loo=LeaveOneOut(-3.0, 1.0, 2))
    assert "leaving out 2 of the rows" in "".join(left.warnings())
