"""Filling what is missing: against a closed form, whatever the guide; labels by Bayes' rule."""

import math

import pytest
import torch

from specc.engine.settings import settings_of
from specc.engine.storage.loaded_run import LoadedRun, precision
from specc.evaluate.impute import Filled, ImputationRequest, impute
from specc.evaluate.population_monte_carlo import Population
from specc.evaluate.user_rows import encode, rows_of
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Field, Support
from tests.laws.compiling import program
from tests.laws.estimating import settle

LINEAR = """\
specc: 1
name: linear
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [3]}}}
model:
  w: {parameter: real, shape: [3]}
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: normal, loc: w * z, scale: 0.5, missing: integrate}
guide:
  spread: {parameter: real}
  z: {latent: normal, loc: "g(x)", scale: exp(spread)}
links: {g: linear}
objective: elbo
train: {precision: float64}
"""
W = torch.tensor([1.0, -0.6, 0.4], dtype=torch.float64)
X = torch.tensor([[0.9, math.nan, math.nan], [math.nan, 0.5, -0.7]], dtype=torch.float64)


def opened(text, folder):
    made = program(text, folder)
    settings = settings_of(made.manifest.train)
    return LoadedRun(folder, made, None, settings, torch.device("cpu"))


def wrong_guide(run):
    """A guide beside the posterior of z given all of x: too far to the right, and too broad."""
    precise = 1 + W @ W / 0.25
    with torch.no_grad():
        run.program.model.w.copy_(W)
        run.program.guide.g[0].weight.copy_((W / 0.25 / precise)[None])
        run.program.guide.g[0].bias.fill_(0.3)
        run.program.guide.spread.copy_(0.4 - 0.5 * precise.log())


def conditional(x):
    """E[x | the known entries] and the variance of each entry, of one row."""
    known = ~x.isnan()
    precise = 1 + W[known] @ W[known] / 0.25
    center = W * (W[known] @ x[known] / 0.25 / precise)
    return torch.where(known, x, center), W**2 / precise + 0.25


def away(found):
    """The largest deviation of the means, in standard errors of the effective number of draws."""
    worst = 0.0
    for row, x in enumerate(X):
        mean, variance = conditional(x)
        missing = x.isnan()
        errors = (variance[missing] / found.effective[row]).sqrt()
        worst = max(worst, ((found.values[row] - mean)[missing].abs() / errors).max().item())
    return worst


@pytest.fixture
def linear(tmp_path):
    with precision(torch.float64):
        run = opened(LINEAR, tmp_path)
        wrong_guide(run)
        yield run


def test_means_are_those_of_the_posterior_whatever_the_guide(linear):
    """Seeded, |z| < 4.5 for each of three means; E[x | z] varies less than x, so z is smaller."""
    found = impute(linear, ImputationRequest(draws=500, sweeps=60), rows_of(linear, X))["x"]
    assert 3000 < found.effective.min() < 500 * 60
    assert away(found) < 4.5


def test_without_weights_they_are_those_of_the_guide(linear, monkeypatch):
    proposed = Population._proposed

    def unweighted(self, noise):
        latents, log_w = proposed(self, noise)
        return latents, torch.zeros_like(log_w)

    monkeypatch.setattr(Population, "_proposed", unweighted)
    found = impute(linear, ImputationRequest(draws=500, sweeps=60), rows_of(linear, X))["x"]
    assert away(found) > 20


def test_draws_are_of_the_posterior(linear):
    """Mean and variance of 4,000 draws; the first sweeps' are replaced in the share of weights."""
    found = impute(linear, ImputationRequest(draws=4000, sweeps=20), rows_of(linear, X))["x"]
    for row, x in enumerate(X):
        mean, variance = conditional(x)
        drawn, missing = found.draws[:, row], x.isnan()
        errors = (variance[missing] / len(drawn)).sqrt()
        assert ((drawn.mean(0) - mean)[missing].abs() / errors).max() < 4.5
        assert drawn.var(0)[missing].tolist() == pytest.approx(variance[missing].tolist(), rel=0.12)


def test_known_entries_never_change(linear):
    found = impute(linear, ImputationRequest(draws=5, sweeps=3), rows_of(linear, X))["x"]
    known = ~X.isnan()
    assert torch.equal(found.known, known)
    assert torch.equal(found.values[known], X[known])
    assert torch.equal(found.draws[:, known], X[known].expand(5, -1))
    assert not found.values.isnan().any()


def test_a_guide_that_knows_of_holes_is_shown_them(tmp_path):
    """Its draws do not depend on what was filled before: one sweep is as good as many.

    The guide is the posterior given the known entries where only the first is, in closed form.
    """
    text = LINEAR.replace('"g(x)"', '"g(x, known(x))"')
    with precision(torch.float64):
        run = opened(text, tmp_path)
        precise = 1 + W[0] ** 2 / 0.25
        with torch.no_grad():
            run.program.model.w.copy_(W)
            run.program.guide.g[0].weight.zero_()
            run.program.guide.g[0].weight[0, 0] = W[0] / 0.25 / precise
            run.program.guide.g[0].weight[0, 4:] = 100.0
            run.program.guide.g[0].bias.zero_()
            run.program.guide.spread.copy_(-0.5 * precise.log())
        for sweeps in (1, 3):
            x = X[:1]
            found = impute(run, ImputationRequest(draws=4000, sweeps=sweeps), rows_of(run, x))["x"]
            mean, variance = conditional(x[0])
            errors = (variance[1:] / 4000).sqrt()
            assert ((found.values[0] - mean)[1:].abs() / errors).max() < 4.5


def test_a_latent_that_is_integrated_out_is_drawn_from_its_posterior(tmp_path):
    """Without a guide all draws have the same weight, and one sweep is enough."""
    start, end = LINEAR.index("guide:"), LINEAR.index("objective:")
    text = (LINEAR[:start] + LINEAR[end:]).replace("elbo", "mle")
    with precision(torch.float64):
        run = opened(text, tmp_path)
        with torch.no_grad():
            run.program.model.w.copy_(W)
        found = impute(run, ImputationRequest(draws=4000, sweeps=2), rows_of(run, X))["x"]
        drawn = encode(run, X, 4000, 0)["z"]
    assert away(found) < 4.5
    assert (found.effective == 8000).all()
    for row, x in enumerate(X):
        known = ~x.isnan()
        precise = 1 + W[known] @ W[known] / 0.25
        z = (drawn[:, row] - W[known] @ x[known] / 0.25 / precise) * precise.sqrt()
        assert abs(z.mean()) < 4.5 / 4000**0.5
        assert abs(z.var() - 1) < 4.5 * (2 / 4000) ** 0.5


LABELS = """\
specc: 1
name: labels
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [2]}, y: {from: y, shape: []}}
model:
  y: {observed: categorical, logits: 0, classes: 3, missing: enumerate}
  x: {observed: bernoulli, logits: "down(y)", shape: [2]}
GUIDE
objective: OBJECTIVE
links: {down: linear, up: linear}
"""


def labels(folder, guided):
    text = LABELS.replace("OBJECTIVE", "elbo" if guided else "mle")
    text = text.replace(
        "GUIDE", "guide: {y: {latent: categorical, logits: up(x)}}" if guided else ""
    )
    return opened(text if guided else text.replace(", up: linear", ""), folder)


@pytest.mark.parametrize("guided", [True, False])
def test_the_probabilities_of_a_label(guided, tmp_path):
    run = labels(tmp_path, guided)
    settle(run.program)
    run.program.float()
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([math.nan, 2.0, math.nan])
    found = impute(run, ImputationRequest(draws=3), rows_of(run, {"x": x, "y": y}))["y"]
    if guided:
        told = run.program.guide.up(x).softmax(-1)
    else:
        every = run.program.model.down(torch.eye(3))
        told = torch.distributions.Bernoulli(logits=every).log_prob(x[:, None]).sum(-1).softmax(-1)
    expected = torch.where(y.isnan()[:, None], told, torch.tensor([0.0, 0.0, 1.0]))
    assert torch.allclose(found.probabilities.float(), expected, atol=1e-6)
    assert found.values.tolist() == expected.argmax(-1).tolist()


def test_a_run_in_which_nothing_may_be_missing(tmp_path):
    run = opened(LINEAR.replace(", missing: integrate", ""), tmp_path)
    with pytest.raises(RunFailure) as raised:
        impute(run, ImputationRequest())
    assert raised.value.code == "E0819"


def test_the_effective_draws_are_those_of_rows_with_missing_values():
    x, known = torch.zeros(3, 2), torch.tensor([[True, True], [True, True], [True, False]])
    field = Field("x", "x", (2,), "float32", Support("any"))
    effective = torch.tensor([900.0, 900.0, 50.0])
    found = Filled(field, known, x, x[None], effective)
    assert found.summary()["effective"] == 50.0
    complete = Filled(field, torch.ones_like(known), x, x[None], effective)
    assert complete.summary() == {"rows": 3, "missing": 0.0}
