"""Trained models with missing data, against exact marginals.

With two latents every density is a sum over a grid, by numpy from the trained decoder. Every run is
seeded and on one thread. A bound may exceed the exact value by 4.5 standard errors, which a correct
program does for one seed in 300,000.
"""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from specc.evaluate.classification import classification_metrics
from specc.evaluate.impute import ImputationRequest, impute
from specc.evaluate.scoring import Request
from tests.truths.gallery import trained
from tests.truths.measuring import Z, bound, error, log_prob, scored, weights
from tests.truths.plane import Grid

FASTER = "train.optimizer.adam.lr=0.003"
PLANE = "model.z.shape=[2]"
GRID = Grid(6, 100)
LOG_PRIOR = np.log(GRID.masses(norm.logpdf(GRID.points().astype(np.float64)).sum(1)).ravel())


def logits(run, *given):
    """The output of the decoder at each grid point, joined with the same further inputs."""
    w = {name.removeprefix("model.decoder."): value for name, value in weights(run).items()}
    points = GRID.points().astype(np.float64)
    taken = np.column_stack([points, *(np.full(len(points), number) for number in given)])
    return np.tanh(taken @ w["0.weight"].T + w["0.bias"]) @ w["2.weight"].T + w["2.bias"]


def log_joint(logits, x, known=True):
    """log p(z) + log p(x_known | z), [rows, points]."""
    lit, dark = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)
    return LOG_PRIOR + (x * known) @ lit.T + ((1 - x) * known) @ dark.T


def test_labels_that_are_observed_hidden_and_given(tmp_path):
    """log p(x, y), log p(x) without labels, and p(y | x) by Bayes' rule.

    Predictions are more accurate than a logistic regression on the 100 labelled rows.
    """
    run = trained("m2", tmp_path, ("train.epochs=20", FASTER, PLANE))
    test = scored(run, "test")
    x, y = test["x"].astype(np.float64), test["y"].astype(int)
    each = np.stack([logsumexp(log_joint(logits(run, *one), x), 1) for one in np.eye(10)], 1)
    exact = each - np.log(10)
    known = bound(run, 200).values.double().numpy() - exact[np.arange(len(y)), y]
    assert known.mean() < Z * error(known), (known.mean(), error(known))
    assert abs(known.mean()) < 0.02, (known.mean(), error(known))
    hidden = {"x": test["x"], "y": np.full(len(y), np.nan)}
    few, many = (log_prob(run, k, **hidden) - logsumexp(exact, 1) for k in (1, 1000))
    assert few.mean() < Z * error(few), (few.mean(), error(few))
    assert abs(many.mean()) < 0.02, (many.mean(), error(many))
    told = classification_metrics(run.loaded, Request("iwae", 200, "test"))["y"]
    posterior = np.exp(exact - logsumexp(exact, 1, keepdims=True))
    assert np.abs(told.probabilities.numpy() - posterior).mean() < 0.002
    train = scored(run, "train")
    labelled = train["y_known"]
    plain = LogisticRegression(C=0.1, max_iter=1000).fit(train["x"][labelled], train["y"][labelled])
    assert min(told.accuracy.value, told.guide_accuracy.value) > plain.score(x, y) + 0.02


def filled(run):
    """The mean of each missing pixel by `impute`, and the mean of the known training values."""
    train = scored(run, "train")
    mean = (train["x"] * train["x_known"]).sum(0) / train["x_known"].sum(0)
    return impute(run.loaded, ImputationRequest(8, 40, "test"))["x"].values.double().numpy(), mean


def test_half_of_the_pixels_on_a_plane_of_latents(tmp_path):
    """log p of the known pixels, and the means of missing pixels given them."""
    run = trained("imputation", tmp_path, ("train.epochs=40", FASTER, PLANE))
    test, whole = scored(run, "test"), scored(run, "test", revealed=True)["x"]
    known, missing = test["x_known"], ~test["x_known"]
    made = logits(run)
    joint = log_joint(made, test["x"].astype(np.float64), known)
    exact = logsumexp(joint, 1)
    elbo = bound(run, 100, estimator="elbo").values.double().numpy() - exact
    iwae = bound(run, 1000).values.double().numpy() - exact
    assert elbo.mean() < Z * error(elbo), (elbo.mean(), error(elbo))
    assert abs(iwae.mean()) < 0.02, (iwae.mean(), error(iwae))
    means = np.exp(joint - exact[:, None]) @ (1 / (1 + np.exp(-made)))
    weighted, plain = filled(run)
    best, own, worst = (((v - whole)[missing] ** 2).mean() for v in (means, weighted, plain))
    assert abs(own - best) < 0.001 < worst - 0.008 - best, (best, own, worst)
    assert ((weighted - means)[missing] ** 2).mean() < 0.001


def test_half_of_the_pixels_are_better_predicted_than_by_their_means(tmp_path):
    run = trained("imputation", tmp_path, ("train.epochs=40", FASTER))
    whole, missing = scored(run, "test", revealed=True)["x"], ~scored(run, "test")["x_known"]
    own, plain = (((v - whole)[missing] ** 2).mean() for v in filled(run))
    assert own < 0.88 * plain, (own, plain)
