"""The posterior of shared latents beside latents of rows by a guide, against closed forms.

A mean over draws is accepted within 5 standard errors: a false alarm in 2 million.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special, stats

from specc.engine.storage import run_folder
from specc.engine.train import train
from specc.evaluate import guide_likelihood
from specc.evaluate.guide_diagnostics import GuideDiagnostics, Weights, diagnose_guide
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.guide_likelihood import likelihood
from specc.evaluate.leave_one_out import LeaveOneOut
from specc.evaluate.sampling import reconstruct, sample
from specc.evaluate.user_rows import encode
from specc.report.final_evaluation import evaluate_at_end
from specc.report.guide import figures, guide_lines
from specc.report.page import page
from tests.engine.test_train import QUIET
from tests.engine.test_written_players import made

HIERARCHY = """\
specc: 1
name: hierarchy
data: {source: csv, path: rows.csv, fields: {x: {from: x}}}
model:
  mu: {latent: normal, loc: 0, scale: 3, global: true}
  z: {latent: normal, loc: mu, scale: 1.5}
  x: {observed: normal, loc: z, scale: 0.5}
guide:
  mu_loc: {parameter: real}
  mu_scale: {parameter: positive}
  gain: {parameter: real}
  rest: {parameter: real}
  width: {parameter: positive}
  mu: {latent: normal, loc: mu_loc, scale: mu_scale, global: true}
  z: {latent: normal, loc: "gain * x + rest * mu", scale: width}
objective: {elbo: {particles: 4}}
train: {epochs: 2, batch_size: 6, precision: float64, compile: 'off'}
"""

ROWS, NOISE, SPREAD, PRIOR = 12, 0.5, 1.5, 3.0
OF_ROW = NOISE**2 + SPREAD**2


def numbers():
    rng = np.random.default_rng(3)
    return 1.0 + rng.normal(size=ROWS) * OF_ROW**0.5


def posterior():
    """The mean and the deviation of mu given the rows, and log p(x)."""
    x, precision = numbers(), 1 / PRIOR**2 + ROWS / OF_ROW
    covariance = PRIOR**2 * np.ones((ROWS, ROWS)) + OF_ROW * np.eye(ROWS)
    evidence = stats.multivariate_normal(np.zeros(ROWS), covariance).logpdf(x)
    return x.sum() / OF_ROW / precision, precision**-0.5, evidence


def left_out():
    """Log p(x_i | all other rows) of each row."""
    x, precision = numbers(), 1 / PRIOR**2 + (ROWS - 1) / OF_ROW
    means = (x.sum() - x) / OF_ROW / precision
    return stats.norm(means, (1 / precision + OF_ROW) ** 0.5).logpdf(x)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hierarchy")
    (folder / "rows.csv").write_text("\n".join(["x", *map(repr, numbers().tolist())]) + "\n")
    return train(made(folder, HIERARCHY), folder / "run", replace(QUIET, data_dir=folder))


@pytest.fixture
def exact(trained):
    """The run with a guide that is the posterior, of mu and of z given mu and x."""
    mean, deviation, _ = posterior()
    width = (1 / NOISE**2 + 1 / SPREAD**2) ** -0.5
    set_to(trained, mean, deviation, width**2 / NOISE**2, width**2 / SPREAD**2, width)
    return trained.loaded


def set_to(trained, mu_loc, mu_scale, gain, rest, width):
    own = trained.loaded.program.guide
    with torch.no_grad():
        for name, value in (("mu_loc", mu_loc), ("gain", gain), ("rest", rest)):
            getattr(own, name).fill_(value)
        own.log_mu_scale.fill_(np.log(mu_scale))
        own.log_width.fill_(np.log(width))


def test_at_the_posterior_every_weight_is_the_evidence(exact):
    mean, deviation, evidence = posterior()
    found = diagnose_guide(exact, 1000)
    weights = found.weights
    assert weights.particles > 1 and weights.draws == found.draws == 1000
    assert weights.bound == pytest.approx(evidence, abs=1e-9)
    assert weights.log_evidence == pytest.approx(evidence, abs=1e-9)
    assert weights.pareto_k == 0 and weights.effective == pytest.approx(1000)
    (row,) = found.rows
    assert row.name == "mu"
    assert abs(row.posterior.mean - mean) < 5 * deviation / 1000**0.5
    assert abs(row.posterior.sd / deviation - 1) < 5 / 2000**0.5
    levels = mean + deviation * stats.norm.ppf([0.05, 0.5, 0.95])
    assert (
        np.abs(np.array(row.posterior.quantiles) - levels).max() < 5 * 2.2 * deviation / 1000**0.5
    )
    assert abs(row.prior.mean) < 5 * PRIOR / 1000**0.5
    assert abs(row.prior.sd / PRIOR - 1) < 5 / 2000**0.5
    # The density of one draw of z in place of the mean of the weights is another number.
    assert abs(weights.log_evidence - one_draw(exact)) > 1


def one_draw(loaded):
    """What the estimate would be with p(x | z) at draws of z from their prior."""
    draws = GuideDraws.of(loaded, 1000)
    mu, x = draws.values["mu"].numpy(), numbers()
    z = mu[:, None] + SPREAD * np.random.default_rng(0).normal(size=(1000, ROWS))
    log_w = stats.norm(z, NOISE).logpdf(x).sum(1) + stats.norm(0, PRIOR).logpdf(mu)
    return special.logsumexp(log_w - draws.log_q.numpy()) - np.log(1000)


def test_another_guide_has_a_lower_bound_and_the_same_evidence(trained):
    """Noise in each row, and a guide of mu that is wider: log of a mean within 5 of its errors."""
    mean, deviation, evidence = posterior()
    set_to(trained, mean + 0.3 * deviation, 1.3 * deviation, 0.85, 0.15, 0.55)
    found = likelihood(trained.loaded, draws := GuideDraws.of(trained.loaded, 4000), 1)
    log_w = (found.total + draws.log_prior() - draws.log_q).numpy()
    own = np.exp(log_w - evidence)
    assert abs(own.mean() - 1) < 5 * own.std() / 4000**0.5 < 0.2
    assert log_w.mean() < evidence - 0.1
    assert found.of_rows.shape == (4000, ROWS)
    # Without the densities of the guide of rows the weights are not those of the evidence.
    assert abs(special.logsumexp(log_w + 1.0 - np.log(4000)) - evidence) > 0.5


def test_leaving_out_rows_beside_their_latents(exact):
    found = diagnose_guide(exact, 1000).weights.loo
    assert found.untrusted == 0
    assert found.value == pytest.approx(left_out().sum(), abs=0.2)


def test_batches_of_rows_and_draws_do_not_matter(exact, monkeypatch):
    draws = GuideDraws.of(exact, 40)
    whole = likelihood(exact, draws, 0)
    monkeypatch.setattr(guide_likelihood, "BUDGET", 16 * 8 * 5)
    pieces = likelihood(exact, draws, 0)
    torch.testing.assert_close(whole.of_rows, pieces.of_rows)
    torch.testing.assert_close(whole.total, pieces.total)


def test_a_table_alone_if_weights_take_too_long(exact, monkeypatch):
    monkeypatch.setattr(guide_likelihood, "MOST_BYTES", 50 * 8 * ROWS)
    found = diagnose_guide(exact, 1000)
    assert found.weights is None and not list(found.warnings())
    assert set(found.as_json()) == {"draws", "latents", "warnings"}
    monkeypatch.setattr(guide_likelihood, "MOST_BYTES", 300 * 8 * ROWS)
    some = diagnose_guide(exact, 1000)
    assert some.weights.draws == 300 and some.weights.particles == 1
    assert "log_likelihood" not in some.data.groups()
    assert np.isnan(some.data.sample_stats["lp"][0, 300:]).all()
    assert np.isfinite(some.data.sample_stats["lp"][0, :300]).all()


def test_every_verb_reads_the_run(exact, trained):
    evaluate_at_end(trained)
    found = run_folder.result_of(exact.folder)["guide"]
    assert found["latents"][0]["prior"]["sd"] > 2
    head, line, *rest = guide_lines(found, 5)
    assert head.split()[-4:] == ["prior", "5%", "prior", "95%"] and "-" not in line.split()[1:5]
    assert rest[0] in figures(found) and "each with 16 of the latents of each row" in rest[0]
    assert "Posterior by the guide" in page(exact)
    data = diagnose_guide(exact).data
    assert set(data.groups()) >= {"prior", "prior_predictive", "posterior_predictive"}
    x = np.asarray(data.posterior_predictive["x"])
    mean, deviation, _ = posterior()
    total = (deviation**2 + OF_ROW) ** 0.5
    assert abs(x.mean() - mean) < 5 * (deviation**2 / 100 + OF_ROW / x.size) ** 0.5
    assert abs(x.std() / total - 1) < 5 * (deviation / total / 200**0.5 + 1 / (2 * x.size) ** 0.5)


def test_draws_of_rows_are_given_draws_of_shared_latents(exact):
    """z given x alone has a larger deviation than given mu, too, which one draw of mu has not."""
    x = numbers()
    z = encode(exact, {"x": torch.from_numpy(x)}, 4000, 0)["z"].numpy()
    assert z.shape == (4000, ROWS)
    mean, deviation, _ = posterior()
    width = (1 / NOISE**2 + 1 / SPREAD**2) ** -0.5
    gain, rest = width**2 / NOISE**2, width**2 / SPREAD**2
    total = (width**2 + rest**2 * deviation**2) ** 0.5
    assert np.abs(z.mean(0) - gain * x - rest * mean).max() < 5 * total / 4000**0.5
    correlation = np.corrcoef(z[:, 0], z[:, 1])[0, 1]
    wanted = rest**2 * deviation**2 / total**2
    assert abs(correlation - wanted) < 5 / 4000**0.5
    rows = sample(exact, 50)
    assert rows.shared == () and len(rows.values["mu"].unique()) == 50
    assert reconstruct(exact, 3, part="train").means["x"].shape == (3,)


def test_the_words_of_both():
    weights = Weights(10, 0.0, 1.0, np.inf, 1.0, particles=4)
    (words,) = GuideDiagnostics((), 10, weights).warnings()
    assert "of shared latents and of those of rows together" in words
    left = replace(weights, pareto_k=0.1, loo=LeaveOneOut(-3.0, 1.0, 2))
    assert "leaving out 2 of the rows" in "".join(left.warnings())
