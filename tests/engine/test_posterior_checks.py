"""What the posterior of a sampler is compared with: its prior, and replicates of the data."""

from __future__ import annotations

import numpy as np

from specc.engine.storage.checkpoint import Counters
from specc.engine.train import Trained
from specc.evaluate.chain_diagnostics import diagnose
from specc.evaluate.decomposition import loss_terms
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.scoring import fixed_batch
from specc.report.final_evaluation import evaluate_at_end
from specc.report.page import page
from tests.engine.test_samplers import rows, run_of

HIERARCHY = """\
specc: 1
name: hierarchy
data: {source: csv, path: rows.csv, fields: {g: {from: g}, y: {from: y}}}
plates: {groups: 3}
model:
  g: {given: g, plate_index: groups}
  s: {latent: half_normal, scale: 2, global: true}
  m: {latent: normal, loc: 3, scale: s, shape: [2], plate: groups}
  y: {observed: normal, loc: "sum(m[g])", scale: 1}
"""


def test_the_file_has_the_prior_and_replicates_of_the_data(tmp_path):
    """Moments of 1,000 draws from the prior, and of 100 replicates each; 5 standard errors."""
    random = np.random.default_rng(3)
    rows(tmp_path, g=np.arange(12) % 3, y=random.normal(size=12))
    loaded = run_of(tmp_path, HIERARCHY)
    data = diagnose(loaded).data
    prior = {name: np.asarray(data.prior[name])[0] for name in data.prior.data_vars}
    assert prior["s"].shape == (1000,)
    assert prior["m"].shape == (1000, 3, 2)
    # E s^2 = 4, and m - 3 = s e with kurtosis 9 over its variance squared.
    spread = (prior["m"] - 3.0) ** 2
    assert abs(spread.mean() - 4.0) < 5 * spread.reshape(1000, -1).mean(1).std() / 1000**0.5
    assert abs((prior["s"] ** 2).mean() - 4.0) < 5 * 4.0 * 2**0.5 / 1000**0.5
    # Entries of one draw share its scale.
    assert np.corrcoef(prior["s"], np.abs(prior["m"][:, 0, 0] - 3.0))[0, 1] > 0.3
    # By the prior y is 6 + e, of variance 2 E s^2 + 1; rows of a group share their means.
    away = (np.asarray(data.prior_predictive["y"])[0] - 6.0).reshape(100, 4, 3)
    assert abs(away.mean()) < 5 * away.mean((1, 2)).std() / 10
    assert abs((away**2).mean() - 9.0) < 5 * (away**2).mean((1, 2)).std() / 10
    assert away.mean(1).std() > 2 * away.std(1).mean()
    replicated = np.asarray(data.posterior_predictive["y"])[0]
    assert replicated.shape == (100, 12)
    center = np.asarray(data.posterior["m"]).mean((0, 1)).sum(-1)[np.arange(12) % 3]
    assert np.abs(replicated.mean(0) - center).max() < 5 * replicated.std(0).max() / 10
    pictures = evaluate_at_end(Trained(loaded, Counters(), {}, 1)).pictures
    drawn = {path.name: path.read_bytes()[:4] for path in pictures}
    assert drawn["posterior_pairs.png"] == drawn["posterior_checks.png"] == b"\x89PNG"
    assert "<figcaption>Pairs of latents" in page(loaded)


NORMAL = """\
specc: 1
name: normal_mean
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
model:
  m: {latent: normal, loc: 0, scale: 1, global: true}
  y: {observed: normal, loc: m, scale: 1}
"""


SHARED = """\
specc: 1
name: shared
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
model:
  b: {latent: bernoulli, probs: 0.5, global: true}
  m: {latent: normal, loc: 0, scale: 0.1, global: true}
  y: {observed: normal, loc: 10 * b + m, scale: 1}
"""


def test_replicates_have_the_values_of_what_is_summed_out_given_the_data(tmp_path):
    """Of rows at 10 all replicates are at 10, by the prior half of them.

    The number of the latter among 100 is between 25 and 75 but for 6e-7 of all seeds.
    """
    rows(tmp_path, y=10.0 + np.random.default_rng(0).normal(size=6))
    data = diagnose(run_of(tmp_path, SHARED)).data
    means = np.asarray(data.posterior_predictive["y"])[0].mean(1)
    assert means.shape == (100,) and np.abs(means - 10.0).max() < 3.0
    means = np.asarray(data.prior_predictive["y"])[0].mean(1)
    assert 25 <= (np.abs(means - 10.0) < 3.0).sum() <= 75
    assert (np.minimum(np.abs(means), np.abs(means - 10.0)) < 3.0).all()


def test_terms_are_means_over_the_posterior_whatever_was_computed_before(tmp_path):
    """E_m[log p(y | m)] of one row y = 1 with m ~ N(1/2, 1/2): -log(2 pi)/2 - (1/4 + 1/2)/2.

    The chain's 100 draws have a standard error below 0.1; at single draws the term varies by 0.6.
    """
    rows(tmp_path, y=np.ones(1))
    loaded = run_of(tmp_path, NORMAL)
    first = loss_terms(loaded, "train")["log_prob"].value
    assert abs(first + 0.5 * np.log(2 * np.pi) + 0.375) < 0.3
    draws = PosteriorDraws.of(loaded, 7)
    batch = fixed_batch(loaded, loaded.rows("train"), slice(0, 1), 0)
    before = draws.coordinates.position()
    draws.log_prob(batch)
    assert (draws.coordinates.position() == before).all()
    draws.coordinates.move_to(before + 3.0)
    assert loss_terms(loaded, "train")["log_prob"].value == first
    (loaded.folder / "draws" / "positions.npy").unlink()
    assert loss_terms(loaded, "train") == {}
