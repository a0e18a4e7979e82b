"""Doubly reparameterized gradients of importance-weighted bounds (Tucker et al. 2019).

The exact gradient is by Gauss-Hermite quadrature over both draws, as in `test_gradients`.
"""

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import settle
from tests.laws.test_gradients import (
    DETACHED,
    HEAD,
    NORMAL,
    X,
    check,
    lp,
    normal_iwae,
)
from tests.losses import computed

DOUBLY = ", draw: {pathwise: {form: doubly}}"
UNWEIGHED = ("    weigh_gradients(log_w, z)\n", "")
TWICE = ("    weigh_gradients(log_w, z)\n", "    weigh_gradients(log_w, z, z)\n")
PAIR = """
model:
  a: {{latent: normal, loc: 0, scale: 1}}
  b: {{latent: normal, loc: 0, scale: 1}}
  x: {{observed: bernoulli, logits: "down(a, b)", shape: [2]}}
guide:
  a: {{latent: normal, params: up(x){draw}}}
  b: {{latent: normal, params: side(x){draw}}}
links: {{up: linear, side: linear, down: linear}}
objective: {{iwae: {{particles: {particles}}}}}
"""


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def test_its_mean_is_the_gradient_of_the_bound(tmp_path):
    """Without the second weight it is biased, and so it is with a third."""
    spec = NORMAL % (DOUBLY, "{iwae: {particles: 2}}")
    check(spec, normal_iwae, tmp_path, [DETACHED, UNWEIGHED, TWICE])


def test_two_latents_have_a_weight_each(tmp_path):
    """The bound of one particle pair, by quadrature over four numbers with few nodes."""
    places, own = np.polynomial.hermite_e.hermegauss(14)
    nodes, weights = torch.tensor(places), torch.tensor(own / own.sum())

    def exact(p):
        (a_loc, a_scale), (b_loc, b_scale) = p.guide.a_loc_scale(X), p.guide.b_loc_scale(X)
        a, b = torch.meshgrid(nodes, nodes, indexing="ij")
        one = (weights[:, None] * weights).flatten()
        a, b = a_loc + a_scale * a.flatten(), b_loc + b_scale * b.flatten()
        prior = Normal(0.0, 1.0)
        log_w = prior.log_prob(a) + prior.log_prob(b) + lp(p.model.x_logits(a, b), X)
        log_w = log_w - Normal(a_loc, a_scale).log_prob(a) - Normal(b_loc, b_scale).log_prob(b)
        pair = torch.logaddexp(log_w[:, None], log_w[None]) - np.log(2)
        return -(one[:, None] * one * pair).sum()

    spec = PAIR.format(draw=DOUBLY, particles=2)
    one_of_them = ("weigh_gradients(log_w, a, b)", "weigh_gradients(log_w, a)")
    check(spec, exact, tmp_path, [one_of_them])


def test_its_noise_is_a_fraction_of_that_of_the_plain_form(tmp_path):
    """Mean over standard deviation of the gradient of the guide, with 64 particles; 6 times."""
    ratios = {}
    for form in ("plain", "doubly"):
        made = program(
            HEAD + PAIR.format(draw=f", draw: {{pathwise: {{form: {form}}}}}", particles=64),
            tmp_path,
        )
        settle(made)
        found = []
        for seed in range(200):
            loss = computed(made, {"x": X}, Noise.at(seed), 1)[0]
            slopes = torch.autograd.grad(loss, list(made.guide.parameters()))
            found.append(torch.cat([slope.flatten() for slope in slopes]))
        noisy = torch.stack(found)
        ratios[form] = (noisy.mean(0).norm() / noisy.std(0).norm()).item()
    assert ratios["doubly"] > 3 * ratios["plain"], ratios


def test_the_value_and_the_gradient_of_the_model_are_those_of_the_plain_form(tmp_path):
    forms = []
    for form in ("plain", "doubly"):
        text = NORMAL % (f", draw: {{pathwise: {{form: {form}}}}}", "{iwae: {particles: 5}}")
        made = program(HEAD + text, tmp_path)
        settle(made)
        loss = computed(made, {"x": X}, Noise.at(3), 1)[0]
        forms.append((loss, *torch.autograd.grad(loss, list(made.model.parameters()))))
    for one, other in zip(*forms, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


WRONG = {
    "a mean": (NORMAL % (DOUBLY, "{elbo: {particles: 3}}"), "it is `sticking` without"),
    "one particle": (NORMAL % (DOUBLY, "{iwae: {particles: 1}}"), "it is `sticking` without"),
    "a draw behind it": (
        PAIR.format(draw=DOUBLY, particles=2).replace("side(x)", '"side(x, a)"'),
        "its distribution depends on `a`",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_where_it_is_no_gradient_of_the_bound_it_is_refused(name):
    text, words = WRONG[name]
    result, checked = compile(Source("wrong.yaml", HEAD + text))
    assert result is None
    (found,) = [d for d in checked.diagnostics if d.code == "E0417"]
    assert words in found.evidence["reason"]
