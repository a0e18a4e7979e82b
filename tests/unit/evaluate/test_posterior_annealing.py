"""Annealing of the latents of a compiled program, against its exact density."""

import math

import pytest
import torch

from specc.cli.train import metric_line
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request
from specc.report.likelihood_figures import normalizer_in_words
from specc.runtime.failure import RunFailure
from tests.unit.evaluate.energies.test_density import untrained

TEXT = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: decoder(z), scale: 1}
guide:
  z: {latent: normal, params: encoder(x)}
links: {decoder: linear, encoder: linear}
objective: elbo
"""
REQUEST = Request("ais", rows=5, chains=60, temperatures=60, direction="both")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return untrained(TEXT, tmp_path_factory.mktemp("annealing") / "made")


def exact(run):
    decoder = run.program.model.decoder
    x = run.rows("test").batch(slice(0, 5), None)["x"].double()
    w, b = decoder.weight.detach().double(), decoder.bias.detach().double()
    covariance = w @ w.T + torch.eye(len(w), dtype=torch.float64)
    return torch.distributions.MultivariateNormal(b, covariance).log_prob(x)


def test_the_estimate_is_the_exact_density_within_its_error(run):
    found = estimate(run, REQUEST)
    relative = (found.values - exact(run)).abs()
    assert found.effective > 15 and (relative < 4.5 * math.sqrt(1 / 15)).all()
    own = found.simulated
    assert own.rows == 5 and own.gap == pytest.approx(own.backward - own.forward, abs=1e-4)
    assert -0.1 < own.gap < 1.0
    summary = found.summary()
    assert "(ais, 60 chains, 60 temperatures, 5 rows of `test`)" in metric_line("test", summary)
    assert "on 5 rows of the model the directions differ by" in next(normalizer_in_words(summary))


def test_one_direction_simulates_no_rows_and_repeats(run):
    request = Request("ais", rows=2, chains=4, temperatures=5)
    found = estimate(run, request)
    assert found.simulated is None and "simulated" not in found.summary()
    assert estimate(run, request).value == found.value


def test_latents_with_whole_numbers_are_refused(tmp_path):
    text = TEXT.replace(
        "{latent: normal, loc: 0, scale: 1, shape: [2]}",
        "{latent: bernoulli, logits: 0, shape: [2]}",
    )
    text = text.replace("z: {latent: normal, params", "z: {latent: bernoulli, params").replace(
        "elbo", "vimco"
    )
    with pytest.raises(RunFailure, match="`z` has no continuous values"):
        estimate(untrained(text, tmp_path / "made"), REQUEST)
