"""Gradients with a class marginalized inside a log, on which the prior of a latent depends."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.laws.test_gradients import HEAD, NODES, WEIGHTS, X, check, lp
from tests.losses import computed

MIXTURE_PRIOR = """
model:
  y: {latent: categorical, logits: 0, classes: 3, draw: enumerate}
  z: {latent: normal, loc: centre(y), scale: 0.7, shape: [1]}
  x: {observed: bernoulli, logits: down(z), shape: [2]}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear, centre: linear}
objective: %s
"""


@pytest.fixture(autouse=True)
def _double():
    """Sets float64 as default: class numbers enter a link as one-hot vectors of that dtype."""
    with precision(torch.float64):
        yield


def priors(p):
    return [p.model.z_loc(torch.tensor([[y]])) for y in range(3)]


def log_weights(p, z, q):
    """log p(x | z) + log sum_y p(y) p(z | y) - log q(z | x)."""
    each = [np.log(1 / 3) + Normal(prior, 0.7).log_prob(z) for prior in priors(p)]
    return (
        lp(p.model.x_logits(z), X)
        + torch.stack(each).logsumexp(0).flatten()
        - q.log_prob(z).flatten()
    )


def draws(p):
    loc, scale = p.guide.z_loc_scale(X)
    q = Normal(loc, scale)
    return loc + scale * NODES[:, None], q


def elbo(p):
    z, q = draws(p)
    return -(WEIGHTS * log_weights(p, z, q)).sum()


def divergences_inside(p):
    """A looser bound: the log of the sum over classes, after the mean over z."""
    z, q = draws(p)
    kl = torch.stack([kl_divergence(q, Normal(prior, 0.7)).sum() for prior in priors(p)])
    return -((WEIGHTS * lp(p.model.x_logits(z), X)).sum() + (np.log(1 / 3) - kl).logsumexp(0))


def test_a_prior_that_depends_on_a_class_that_no_guide_draws(tmp_path):
    check(MIXTURE_PRIOR % "elbo", elbo, tmp_path, [("- log_q_z", "- log_q_z.detach()")])
    made = program(HEAD + MIXTURE_PRIOR % "elbo", tmp_path)
    settle(made)
    assert elbo(made) < divergences_inside(made)
    apart = gradient(made, elbo(made)) - gradient(made, divergences_inside(made))
    assert apart.abs().max() > 0.01


def test_the_same_under_importance_weights(tmp_path):
    def exact(p):
        z, q = draws(p)
        log_w = log_weights(p, z, q)
        pair = torch.logaddexp(log_w[:, None], log_w[None]) - np.log(2)
        return -(WEIGHTS[:, None] * WEIGHTS[None] * pair).sum()

    spec = MIXTURE_PRIOR % "{iwae: {particles: 2}}"
    check(spec, exact, tmp_path, [("- log_q_z", "- log_q_z.detach()")])


def test_a_factor_before_a_likelihood_stands_outside_the_sum(tmp_path):
    text = """
model:
  y: {latent: categorical, logits: top, classes: 3}
  top: {parameter: real, shape: [3]}
  x: {observed: bernoulli, logits: down(y), shape: [2]}
links: {down: linear}
objective: {minimize: "-0.5 * log_prob(model.x) - 0.5 * log_prob(model.y)"}
"""

    def exact(p):
        log_y = Categorical(logits=p.model.top).logits
        each = torch.stack([lp(p.model.x_logits(torch.tensor([[y]])), X).sum() for y in range(3)])
        return -0.5 * (log_y + each).logsumexp(0)

    made = program(HEAD + text, tmp_path)
    settle(made)
    loss, *_ = computed(made, {"x": X}, Noise.at(0, dtype=torch.float64), 1)
    torch.testing.assert_close(loss, exact(made))
    torch.testing.assert_close(gradient(made, loss), gradient(made, exact(made)))
