"""Guides of latents that rows share, against closed forms in float64.

The model is a regression with a normal prior, whose posterior N(m, S) and evidence are known. At
the exact posterior log p(x, w) - log q(w) is the log evidence for every draw. Means over draws are
accepted within 5 standard errors: a false alarm in 2 million.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions as td

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

X = torch.tensor(
    [[1.0, 0.8], [0.3, 0.6], [-1.2, -0.9], [0.4, -0.1], [2.0, 1.9], [-0.6, -0.2]],
    dtype=torch.float64,
)
Y = torch.tensor([0.9, 0.1, -1.4, 0.6, 2.2, -0.2], dtype=torch.float64)
SD = 0.7
REGRESSION = """
specc: 1
name: regression
model:
  x: {given: x, shape: [2]}
  w: {latent: normal, loc: 0, scale: 1.5, shape: [2], global: true}
  b: {latent: normal, loc: 0, scale: 2, global: true}
  y: {observed: normal, loc: x @ w + b, scale: 0.7}
guide: {auto: %s}
objective: {elbo: {particles: %d}}
"""
BATCH = {"x": X, "y": Y}
ROWS = len(Y)


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def posterior():
    """The precision, the covariance and the mean of (w, b), and the log evidence."""
    design = torch.cat([X, torch.ones(ROWS, 1, dtype=torch.float64)], 1)
    prior = torch.diag(torch.tensor([1.5, 1.5, 2.0], dtype=torch.float64) ** 2)
    inverse = torch.linalg.inv(prior) + design.T @ design / SD**2
    covariance = torch.linalg.inv(inverse)
    mean = covariance @ design.T @ Y / SD**2
    marginal = design @ prior @ design.T + SD**2 * torch.eye(ROWS, dtype=torch.float64)
    evidence = td.MultivariateNormal(torch.zeros(ROWS, dtype=torch.float64), marginal).log_prob(Y)
    return inverse, covariance, mean, evidence.item()


def set_to(made, **values):
    """Sets unconstrained parameters of the guide."""
    with torch.no_grad():
        for name, value in values.items():
            getattr(made.guide, name).copy_(torch.as_tensor(value))


def bound(made, seed=0, rows=ROWS):
    return -rows * computed(made, BATCH, Noise.at(seed, dtype=torch.float64), rows)[0]


def free_factor(lower):
    """The unconstrained numbers of the parameter `scale_tril`, of which the node takes a tenth."""
    return torch.tril(lower / 0.1, -1) + torch.diag((lower / 0.1).diagonal().log())


def test_a_full_covariance_is_exact(tmp_path):
    _, covariance, mean, evidence = posterior()
    made = program(REGRESSION % ("multivariate_normal", 3), tmp_path)
    lower = torch.linalg.cholesky(covariance)
    set_to(made, latents_loc=mean, latents_scale_tril_free=free_factor(lower))
    torch.testing.assert_close(0.1 * made.guide.latents_scale_tril, lower)
    for seed in range(3):
        assert abs(bound(made, seed).item() - evidence) < 1e-9
    set_to(made, latents_loc=mean + 0.1)
    assert abs(bound(made).item() - evidence) > 1e-3


def test_a_low_rank_covariance_is_exact(tmp_path):
    _, covariance, mean, evidence = posterior()
    made = program(REGRESSION % ("{low_rank: {rank: 3}}", 3), tmp_path)
    least = 0.5 * torch.linalg.eigvalsh(covariance).min()
    factor = torch.linalg.cholesky(covariance - least * torch.eye(3, dtype=torch.float64))
    set_to(
        made,
        latents_loc=mean,
        latents_cov_factor=factor,
        log_latents_cov_diag=least.log().expand(3),
    )
    for seed in range(3):
        assert abs(bound(made, seed).item() - evidence) < 1e-9


def mean_field(tmp_path, scales, particles):
    """A program with the means of the posterior and some scales."""
    _, _, mean, _ = posterior()
    made = program(REGRESSION % ("mean_field", particles), tmp_path)
    set_to(made, w_loc=mean[:2], b_loc=mean[2])
    set_to(made, log_w_scale=scales[:2].log(), log_b_scale=scales[2].log())
    return made


@pytest.mark.parametrize("is_right", [True, False])
def test_the_optimum_of_the_mean_field_has_the_diagonal_of_the_precision(tmp_path, is_right):
    """Its variances are 1 / precision_ii; those of the posterior, S_ii, are no optimum."""
    inverse, covariance, _, _ = posterior()
    scales = inverse.diagonal().rsqrt() if is_right else covariance.diagonal().sqrt()
    made = mean_field(tmp_path, scales, 100)
    found = torch.stack([gradient(made, bound(made, seed)) for seed in range(100)])
    error = found.std(0) / len(found) ** 0.5
    near = (found.mean(0).abs() <= 5 * error + 1e-9).all()
    assert bool(near) == is_right


def test_the_bounds_are_in_order(tmp_path):
    """Mean field < full covariance = log p(y); importance weights are between the two."""
    inverse, _, _, evidence = posterior()
    made = mean_field(tmp_path, inverse.diagonal().rsqrt(), 1)
    gap = 0.5 * (inverse.diagonal().log().sum() - torch.logdet(inverse))
    values = torch.stack([bound(made, seed) for seed in range(2000)])
    error = values.std() / len(values) ** 0.5
    assert abs(values.mean() - (evidence - gap)) <= 5 * error
    groups = values.reshape(200, 10).logsumexp(1) - math.log(10)
    spread = groups.std() / len(groups) ** 0.5
    assert values.mean() + 2 * error < groups.mean() <= evidence + 5 * spread


def test_minibatches_give_the_gradient_of_all_rows(tmp_path):
    made = program(REGRESSION % ("multivariate_normal", 4), tmp_path)
    settle(made)

    def of(rows, data_size):
        batch = {name: value[rows] for name, value in BATCH.items()}
        return gradient(made, computed(made, batch, Noise.at(0, dtype=torch.float64), data_size)[0])

    def mean(data_size):
        return torch.stack([of(slice(i, i + 2), data_size) for i in range(0, ROWS, 2)]).mean(0)

    whole = of(slice(None), ROWS)
    torch.testing.assert_close(mean(ROWS), whole, rtol=1e-10, atol=1e-10)
    assert not torch.allclose(mean(2), whole), "the prior counts once for all rows"


def test_a_point_is_the_mode_of_the_posterior(tmp_path):
    """The loss is that of `map`, and its gradient is 0 at the mean of the normal posterior."""
    points = program(REGRESSION % ("delta", 1), tmp_path)
    text = REGRESSION.replace("guide: {auto: %s}\n", "") % 1
    mode = program(text.replace("{elbo: {particles: 1}}", "map"), tmp_path)
    _, _, mean, _ = posterior()
    for made in (points, mode):
        with torch.no_grad():
            made.model.w.copy_(mean[:2])
            made.model.b.copy_(mean[2])
        loss = computed(made, BATCH, Noise.at(0, dtype=torch.float64), ROWS)[0]
        assert gradient(made, loss).abs().max() < 1e-10
    losses = [computed(m, BATCH, Noise.at(0, dtype=torch.float64), ROWS)[0] for m in (points, mode)]
    torch.testing.assert_close(*losses)


SUPPORTS = """
specc: 1
name: supports
plates: {groups: 3}
model:
  g: {given: g, plate_index: groups}
  a: {latent: normal, loc: 3, scale: 1, shape: [2], global: true}
  s: {latent: gamma, concentration: 2, rate: 1, shape: [2, 2], global: true}
  p: {latent: beta, concentration1: 2, concentration0: 2, global: true}
  u: {latent: uniform, low: -1, high: 3, global: true}
  t: {latent: dirichlet, concentration: 1, shape: [2, 3], global: true}
  e: {latent: log_normal, loc: 0, scale: 1, plate: groups}
  y: {observed: normal, loc: "a[0] + p + u + e[g] + t[0, 1]", scale: "s[0, 1]"}
guide: {auto: %s}
objective: elbo
"""
ONTO = {
    "a": td.constraints.real,
    "s": td.constraints.positive,
    "p": td.constraints.unit_interval,
    "u": td.constraints.interval(-1.0, 3.0),
    "t": td.constraints.simplex,
    "e": td.constraints.positive,
}


def log_det(name, value):
    """Unconstrained numbers of draws [draws, ...], and log |det dx/du|, by torch.distributions."""
    onto = td.biject_to(ONTO[name])
    free = onto.inv(value)
    found = onto.log_abs_det_jacobian(free, value)
    return free.reshape(len(value), -1), found.reshape(len(value), -1).sum(1)


def drawn(made, count):
    values, log_q = made.guide.sample_global_and_log_prob(Noise.at(1, dtype=torch.float64), count)
    one = made.guide.sample_global(Noise.at(1, dtype=torch.float64))
    wide = {
        n: v.expand(count, *v.shape[1:]).reshape(count, *one[n].shape) for n, v in values.items()
    }
    return wide, log_q.reshape(count)


def oracle(kind, made, free):
    """Log q of the unconstrained numbers of all latents, in their order, by torch.distributions."""
    guide = made.guide
    if kind == "mean_field":
        loc = torch.cat([getattr(guide, f"{n}_loc").flatten() for n in ONTO])
        scale = torch.cat([getattr(guide, f"{n}_scale").flatten() for n in ONTO])
        return td.Normal(loc, scale).log_prob(free).sum(-1)
    if kind == "multivariate_normal":
        lower = 0.1 * guide.latents_scale_tril
        return td.MultivariateNormal(guide.latents_loc, scale_tril=lower).log_prob(free)
    q = td.LowRankMultivariateNormal(
        guide.latents_loc, guide.latents_cov_factor, guide.latents_cov_diag
    )
    return q.log_prob(free)


@pytest.mark.parametrize("kind", ["mean_field", "multivariate_normal", "low_rank"])
def test_densities_of_constrained_latents_have_their_log_determinants(kind, tmp_path):
    made = program(SUPPORTS % kind, tmp_path)
    with torch.no_grad():
        values, log_q = drawn(made, 5)
        each = [log_det(name, values[name]) for name in ONTO]
        wanted = oracle(kind, made, torch.cat([free for free, _ in each], 1))
    total = torch.stack([own for _, own in each]).sum(0)
    torch.testing.assert_close(log_q, wanted - total, rtol=1e-8, atol=1e-8)
    assert (total.abs() > 0.1).all(), "the log-determinants are seen"
    assert ((values["u"] > -1) & (values["u"] < 3)).all()


def test_a_flow_has_the_density_of_its_draws(tmp_path):
    """log q of a draw is that of its base draw, minus the log-determinant by differentiation."""
    made = program(SUPPORTS % "{iaf: {layers: 2, hidden: [8]}}", tmp_path)
    guide = made.guide
    base = guide.latents_loc + 0.3 * torch.randn(len(guide.latents_loc), dtype=torch.float64)

    def unconstrained(u):
        return guide.latents_flow(u)[0]

    value, found = guide.latents_flow(base)
    jacobian = torch.autograd.functional.jacobian(unconstrained, base)
    torch.testing.assert_close(found, jacobian.det().abs().log())
    whole, log_det_of_whole = guide.latents_forward_and_log_det(base)
    torch.testing.assert_close(whole, guide.latents_onto(value)[0])
    torch.testing.assert_close(log_det_of_whole, found + guide.latents_onto(value)[1])


def test_locations_start_at_those_of_the_prior(tmp_path):
    for kind, name in (("mean_field", "a_loc"), ("low_rank", "latents_loc")):
        made = program(SUPPORTS % kind, tmp_path)
        torch.testing.assert_close(getattr(made.guide, name)[:2], torch.full((2,), 3.0).double())
    scale = program(SUPPORTS % "mean_field", tmp_path).guide.s_scale
    torch.testing.assert_close(scale, torch.full_like(scale, 0.1))


PAIR = """
specc: 1
name: pair
model:
  x: {given: x, shape: [2]}
  w: {latent: normal, loc: 0, scale: 1.5, shape: [2], global: true}
  y: {observed: normal, loc: x @ w, scale: 0.7}
guide: {auto: multivariate_normal}
objective: elbo
"""


def test_a_single_vector_needs_no_joint_node(tmp_path):
    made = program(PAIR, tmp_path)
    assert {name for name, _ in made.guide.named_parameters()} == {"w_loc", "w_scale_tril_free"}
