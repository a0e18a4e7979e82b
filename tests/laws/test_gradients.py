"""The mean gradient of every estimator against the exact one, and wrong variants that must fail.

The exact gradient comes from enumerating all discrete states and from Gauss-Hermite quadrature over
the continuous ones, with densities of torch.distributions. Each case has 200,000 seeded samples in
float64; a coordinate deviates by more than 4.5 standard errors for one seed in 50,000.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from specc.engine.compile.graph import Recording
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient, settle, worst
from tests.losses import computed

X = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
NODES = torch.tensor(NODES)
WEIGHTS = torch.tensor(WEIGHTS / WEIGHTS.sum())

THIRD = torch.tensor(0.3, dtype=torch.float64)
HEAD = "specc: 1\nname: tiny\n"
LINKS = "links: {up: linear, down: linear}\n"


def bits(size: int) -> torch.Tensor:
    """All assignments of `size` bits: [2^size, size]."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=size)), dtype=torch.float64)


def lp(logits, value):
    return Bernoulli(logits=logits).log_prob(value).sum(-1)


def check(spec, exact, folder, wrong=None, batch=None):
    """Checks that the estimator agrees with `exact(program)`, and that no wrong variant does."""
    batch = {"x": X} if batch is None else batch
    right = program(HEAD + spec, folder)
    settle(right)
    wanted = gradient(right, exact(right))
    assert worst(right, batch, wanted) < Z
    for change in wrong or ():
        bad = program(HEAD + spec, folder, change)
        settle(bad)
        assert worst(bad, batch, wanted) > Z, f"{change} was not noticed"


# one layer of bits


def one_layer(objective, draw=""):
    return f"""
model:
  h: {{latent: bernoulli, logits: 0.3, shape: [2]}}
  x: {{observed: bernoulli, logits: down(h), shape: [2]}}
guide:
  h: {{latent: bernoulli, logits: up(x){draw}}}
{LINKS}objective: {objective}
"""


def terms(p):
    """log q(h | x) and log p(x, h) for every h."""
    h = bits(2)
    log_q = lp(p.guide.h_logits(X), h)
    log_p = lp(THIRD, h) + lp(p.model.x_logits(h), X)
    return log_q, log_p


def elbo(p):
    log_q, log_p = terms(p)
    return -(log_q.exp() * (log_p - log_q)).sum()


def iwae(particles):
    def exact(p):
        log_q, log_p = terms(p)
        log_w = log_p - log_q
        total = torch.zeros((), dtype=torch.float64)
        for states in itertools.product(range(4), repeat=particles):
            index = list(states)
            chance = log_q[index].sum().exp()
            total = total + chance * (torch.logsumexp(log_w[index], 0) - np.log(particles))
        return -total

    return exact


NO_SURROGATE = ("+ surrogate_h", "")


def test_score_without_a_baseline(tmp_path):
    spec = one_layer("elbo", ", draw: {score: {baseline: none}}")
    check(spec, elbo, tmp_path, [NO_SURROGATE])


def test_score_with_the_mean_of_other_rows(tmp_path):
    spec = one_layer("elbo", ", draw: {score: {baseline: mean}}")
    check(spec, elbo, tmp_path, [NO_SURROGATE])


def test_score_leaving_one_out(tmp_path):
    spec = one_layer("{elbo: {particles: 3}}", ", draw: {score: {baseline: leave_one_out}}")
    own = (
        "signal_h = score.baseline_leave_one_out(signal_h)",
        "signal_h = signal_h - signal_h.mean(0)",
    )
    check(spec, elbo, tmp_path, [NO_SURROGATE, own])


def test_enumerate(tmp_path):
    spec = one_layer("elbo", ", draw: enumerate")
    right = program(HEAD + spec, tmp_path)
    settle(right)
    loss, *_ = computed(right, {"x": X}, Noise.at(0, dtype=torch.float64), 1)
    exact = elbo(right)
    assert abs(loss.item() - exact.item()) < 1e-12
    assert (gradient(right, loss) - gradient(right, exact)).abs().max() < 1e-12


@pytest.mark.parametrize("particles", [2, 3])
def test_vimco(particles, tmp_path):
    spec = one_layer(f"{{vimco: {{particles: {particles}}}}}")
    mean = ("score.surrogate(log_q_h, signal).sum(0)", "score.surrogate(log_q_h, signal).mean(0)")
    check(spec, iwae(particles), tmp_path, [("+ surrogate", ""), mean])


def test_the_score_of_an_importance_weighted_bound(tmp_path):
    draw = ", draw: {score: {baseline: mean}}"
    spec = one_layer("{iwae: {particles: 2}}", draw)
    check(spec, iwae(2), tmp_path, [("+ surrogate", "")])


# two layers of bits


TWO = """
model:
  h2: {latent: bernoulli, logits: 0.3, shape: [2]}
  h1: {latent: bernoulli, logits: down2(h2), shape: [2]}
  x: {observed: bernoulli, logits: down1(h1), shape: [2]}
guide:
  h1: {latent: bernoulli, logits: up1(x)%s}
  h2: {latent: bernoulli, logits: up2(h1)%s}
links: {down1: linear, down2: linear, up1: linear, up2: linear}
"""


def two_terms(p):
    h1 = bits(2)[:, None].expand(4, 4, 2)
    h2 = bits(2)[None].expand(4, 4, 2)
    log_q = lp(p.guide.h1_logits(X), h1) + lp(p.guide.h2_logits(h1), h2)
    log_p = lp(THIRD, h2) + lp(p.model.h1_logits(h2), h1) + lp(p.model.x_logits(h1), X)
    return log_q.flatten(), log_p.flatten()


def two_elbo(p):
    log_q, log_p = two_terms(p)
    return -(log_q.exp() * (log_p - log_q)).sum()


def test_two_score_nodes_keep_the_costs_downstream_of_each(tmp_path):
    score = ", draw: {score: {baseline: mean}}"
    spec = TWO % (score, score) + "objective: elbo\n"
    files = program(HEAD + spec, tmp_path).folder / "objective.py"
    text = files.read_text()
    assert "signal_h2 = log_p_h1" in text, "h2 influences p(h1 | h2), not p(x | h1)"
    missing = ("surrogate_h1 + surrogate_h2", "surrogate_h1")
    check(spec, two_elbo, tmp_path, [missing])


def test_enumerating_below_a_score_node(tmp_path):
    spec = TWO % (", draw: {score: {baseline: none}}", ", draw: enumerate") + "objective: elbo\n"
    check(spec, two_elbo, tmp_path, [("+ surrogate_h1", "")])


def test_a_score_node_below_an_enumerated_one(tmp_path):
    spec = TWO % (", draw: enumerate", ", draw: {score: {baseline: mean}}") + "objective: elbo\n"
    check(
        spec, two_elbo, tmp_path, [("+ surrogate_h2", ""), ("(q_h1.detach() * ", "(q_h1 * 0.5 * ")]
    )


NORMAL = """
model:
  h2: {latent: normal, loc: 0.3, scale: 1, shape: [2]}
  h1: {latent: bernoulli, logits: down2(h2), shape: [2]}
  x: {observed: bernoulli, logits: down1(h1), shape: [2]}
guide:
  h1: {latent: bernoulli, logits: up1(x), draw: enumerate}
  h2: {latent: normal, params: up2(h1)}
links: {down1: linear, down2: linear, up1: linear, up2: linear}
"""


@pytest.mark.parametrize("objective", ["elbo", "{elbo: {particles: 3}}"])
@pytest.mark.parametrize("text", [TWO % (", draw: enumerate", ", draw: score"), NORMAL])
def test_each_row_has_a_sample_of_its_own_below_an_enumerated_node(text, objective, tmp_path):
    """Although the parameters, made of all values of h1 alone, are the same for every row."""
    made = program(f"{HEAD}{text}objective: {objective}\n", tmp_path)
    recording = Recording(Noise.at(0, dtype=torch.float64))
    computed(made, {"x": X.expand(7, 2)}, recording, 7)
    (request,) = recording.requests
    particles = (3,) if "particles" in objective else ()
    assert request.shape == (*particles, 4, 7, 2)


def test_enumerating_two_nodes(tmp_path):
    spec = TWO % (", draw: enumerate", ", draw: enumerate") + "objective: elbo\n"
    right = program(HEAD + spec, tmp_path)
    settle(right)
    loss, *_ = computed(right, {"x": X}, Noise.at(0, dtype=torch.float64), 1)
    exact = two_elbo(right)
    assert (gradient(right, loss) - gradient(right, exact)).abs().max() < 1e-12


# bits and real numbers


MIXED = """
model:
  y: {latent: categorical, logits: 0, classes: 3}
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: bernoulli, logits: "down(z, y)", shape: [2]}
guide:
  y: {latent: categorical, logits: up(x)%s}
  z: {latent: normal, params: "inner(x, y)"}
links: {up: linear, down: linear, inner: linear}
objective: %s
"""


def mixed_elbo(p):
    total = torch.zeros((), dtype=torch.float64)
    log_q_y = Categorical(logits=p.guide.y_logits(X)).logits[0]
    for y in range(3):
        loc, scale = p.guide.z_loc_scale(X, torch.tensor([y]))
        z = loc + scale * NODES
        logits = p.model.x_logits(z, torch.full_like(z, y).long())
        log_p = np.log(1 / 3) + Normal(0.0, 1.0).log_prob(z) + lp(logits, X)
        log_q = log_q_y[y] + Normal(loc, scale).log_prob(z)
        total = total + log_q_y[y].exp() * (WEIGHTS * (log_p - log_q)).sum()
    return -total


def test_a_number_below_an_enumerated_class(tmp_path):
    spec = MIXED % (", draw: enumerate", "elbo")
    detached = (
        "z = normal.rsample(noise, z_loc, z_scale",
        "z = normal.sample(noise, z_loc, z_scale",
    )
    check(spec, mixed_elbo, tmp_path, [detached])


def test_a_number_below_a_sampled_class(tmp_path):
    spec = MIXED % (", draw: {score: {baseline: leave_one_out}}", "{elbo: {particles: 2}}")
    check(spec, mixed_elbo, tmp_path, [("+ surrogate_y", "")])


# numbers


NORMAL = """
model:
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: bernoulli, logits: down(z), shape: [2]}
guide:
  z: {latent: normal, params: up(x)%s}
links: {up: linear, down: linear}
objective: %s
"""


def normal_elbo(p):
    loc, scale = p.guide.z_loc_scale(X)
    z = loc + scale * NODES
    log_p = Normal(0.0, 1.0).log_prob(z) + lp(p.model.x_logits(z), X)
    return -(WEIGHTS * (log_p - Normal(loc, scale).log_prob(z))).sum()


def normal_iwae(p):
    loc, scale = p.guide.z_loc_scale(X)
    z = loc + scale * NODES
    log_p = Normal(0.0, 1.0).log_prob(z) + lp(p.model.x_logits(z), X)
    log_w = log_p - Normal(loc, scale).log_prob(z)
    pair = torch.logaddexp(log_w[:, None], log_w[None]) - np.log(2)
    return -(WEIGHTS[:, None] * WEIGHTS[None] * pair).sum()


DETACHED = ("z = normal.rsample(", "z = normal.sample(")


def test_pathwise(tmp_path):
    check(NORMAL % ("", "elbo"), normal_elbo, tmp_path, [DETACHED])


def test_sticking_the_landing(tmp_path):
    spec = NORMAL % (", draw: {pathwise: {form: sticking}}", "elbo")
    check(spec, normal_elbo, tmp_path, [DETACHED])


def test_importance_weights_by_the_path(tmp_path):
    spec = NORMAL % ("", "{iwae: {particles: 2}}")
    stuck = (
        "normal.log_prob(z, z_loc, z_scale)",
        "normal.log_prob(z, z_loc.detach(), z_scale.detach())",
    )
    check(spec, normal_iwae, tmp_path, [DETACHED, stuck])


def test_the_score_of_a_number(tmp_path):
    spec = NORMAL % (", draw: {score: {baseline: mean}}", "elbo")
    check(spec, normal_elbo, tmp_path, [("+ surrogate_z", "")])


# marginalized classes


SUMMED = """
model:
  y: {latent: categorical, logits: 0, classes: 3}
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: bernoulli, logits: "down(z, y)", shape: [2]}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear}
objective: %s
"""


def marginal(p, z):
    """log p(x, z), with the class marginalized."""
    parts = [
        np.log(1 / 3) + lp(p.model.x_logits(z, torch.full_like(z, y).long()), X) for y in range(3)
    ]
    return Normal(0.0, 1.0).log_prob(z) + torch.stack(parts).logsumexp(0)


def test_a_class_that_no_guide_draws(tmp_path):
    """Without a guide for y, the density of the bound is log sum_y p(x, y | z)."""
    text = SUMMED % "elbo"
    text = text.replace(
        "y: {latent: categorical, logits: 0, classes: 3}",
        "y: {latent: categorical, logits: 0, classes: 3, draw: enumerate}",
    )

    def exact(p):
        loc, scale = p.guide.z_loc_scale(X)
        z = loc + scale * NODES
        return -(WEIGHTS * (marginal(p, z) - Normal(loc, scale).log_prob(z))).sum()

    check(text, exact, tmp_path, [DETACHED])


def test_a_class_summed_out_under_importance_weights(tmp_path):
    text = (SUMMED % "{iwae: {particles: 2}}").replace(
        "classes: 3}", "classes: 3, draw: enumerate}"
    )

    def exact(p):
        loc, scale = p.guide.z_loc_scale(X)
        z = loc + scale * NODES
        log_w = marginal(p, z) - Normal(loc, scale).log_prob(z)
        pair = torch.logaddexp(log_w[:, None], log_w[None]) - np.log(2)
        return -(WEIGHTS[:, None] * WEIGHTS[None] * pair).sum()

    check(text, exact, tmp_path, [DETACHED])


# global latents


def test_a_global_latent_with_several_particles(tmp_path):
    """Its divergence counts once for the data, here of 7 rows."""
    spec = """
model:
  w: {latent: normal, loc: 0, scale: 1, shape: [2], global: true}
  x: {observed: bernoulli, logits: w, shape: [2]}
guide:
  m: {parameter: real, shape: [2]}
  s: {parameter: positive, shape: [2]}
  w: {latent: normal, loc: m, scale: s}
objective: {elbo: {particles: 2}}
"""

    def exact(p):
        loc, scale = p.guide.w_loc_scale()
        w = loc + scale * NODES[:, None]
        fit = (WEIGHTS[:, None] * Bernoulli(logits=w).log_prob(X)).sum()
        kl = torch.distributions.kl_divergence(Normal(loc, scale), Normal(0.0, 1.0)).sum()
        return -(fit - kl / 7)

    check(spec, exact, tmp_path, [(" / data_size", "")])


# further mixtures of latents


ABOVE = """
model:
  y: {latent: categorical, logits: 0, classes: 3}
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: bernoulli, logits: "down(z, y)", shape: [2]}
guide:
  z: {latent: normal, params: up(x)}
  y: {latent: categorical, logits: "inner(x, z)"%s}
links: {up: linear, down: linear, inner: linear}
objective: %s
"""


def above_terms(p):
    """log p and log q at quadrature nodes [48] and classes [3], with the probability of each."""
    loc, scale = p.guide.z_loc_scale(X)
    z = loc + scale * NODES
    log_q_y = Categorical(logits=p.guide.y_logits(X.expand(48, 2), z)).logits
    log_p = torch.stack(
        [lp(p.model.x_logits(z, torch.full_like(z, y).long()), X) for y in range(3)], dim=-1
    )
    log_p = log_p + np.log(1 / 3) + Normal(0.0, 1.0).log_prob(z)[:, None]
    log_q = log_q_y + Normal(loc, scale).log_prob(z).reshape(48, 1)
    return log_p, log_q, WEIGHTS[:, None] * log_q_y.exp()


def above_elbo(p):
    log_p, log_q, chance = above_terms(p)
    return -(chance * (log_p - log_q)).sum()


def test_a_number_above_a_sampled_class(tmp_path):
    """The score of y also moves z: its own log-density depends on the path through z."""
    spec = ABOVE % (", draw: {score: {baseline: none}}", "elbo")
    check(spec, above_elbo, tmp_path, [("+ surrogate_y", ""), DETACHED])


def test_a_number_above_an_enumerated_class(tmp_path):
    check(ABOVE % (", draw: enumerate", "elbo"), above_elbo, tmp_path, [DETACHED])


def test_numbers_and_classes_under_importance_weights(tmp_path):
    """The exact value sums over all pairs of particles, each a quadrature node and a class."""
    spec = ABOVE % ("", "{vimco: {particles: 2}}")

    def exact(p):
        log_p, log_q, chance = (t.flatten() for t in above_terms(p))
        log_w = log_p - log_q
        pair = torch.logaddexp(log_w[:, None], log_w[None]) - np.log(2)
        return -(chance[:, None] * chance[None] * pair).sum()

    check(spec, exact, tmp_path, [("+ surrogate", "")])


def test_a_score_node_below_an_enumerated_one_with_two_particles(tmp_path):
    score = ", draw: {score: {baseline: leave_one_out}}"
    spec = TWO % (", draw: enumerate", score) + "objective: {elbo: {particles: 2}}\n"
    check(spec, two_elbo, tmp_path, [("+ surrogate_h2", "")])


def test_an_enumerated_one_hot_vector(tmp_path):
    spec = """
model:
  y: {latent: one_hot_categorical, logits: 0, classes: 3}
  x: {observed: bernoulli, logits: down(y), shape: [2]}
guide:
  y: {latent: one_hot_categorical, logits: up(x), draw: enumerate}
links: {up: linear, down: linear}
objective: elbo
"""
    right = program(HEAD + spec, tmp_path)
    settle(right)
    loss, *_ = computed(right, {"x": X}, Noise.at(0, dtype=torch.float64), 1)
    log_q = Categorical(logits=right.guide.y_logits(X)).logits[0]
    log_p = np.log(1 / 3) + lp(right.model.x_logits(torch.eye(3, dtype=torch.float64)), X)
    exact = -(log_q.exp() * (log_p - log_q)).sum()
    assert (gradient(right, loss) - gradient(right, exact)).abs().max() < 1e-12


def test_several_nodes_summed_out_of_a_likelihood(tmp_path):
    spec = """
model:
  a: {latent: categorical, logits: 0, classes: 2}
  b: {latent: categorical, logits: inner(a), classes: 3, shape: []}
  c: {latent: bernoulli, logits: 0.3}
  x: {observed: bernoulli, logits: "down(b, c)", shape: [2]}
links: {inner: linear, down: linear}
objective: mle
"""
    right = program(HEAD + spec, tmp_path)
    settle(right)
    parts = []
    # Class numbers enter a link as one-hot vectors in torch's default dtype.
    with precision(torch.float64):
        loss, *_ = computed(right, {"x": X}, Noise.at(0, dtype=torch.float64), 1)
        for a, b, c in itertools.product(range(2), range(3), range(2)):
            chosen = torch.tensor([b])
            b_logits = right.model.b_logits(torch.tensor([a]))
            log_p_b = Categorical(logits=b_logits).log_prob(chosen)[0]
            log_p_c = Bernoulli(logits=THIRD).log_prob(torch.tensor(float(c), dtype=torch.float64))
            logits = right.model.x_logits(chosen, torch.tensor([float(c)], dtype=torch.float64))
            parts.append(np.log(1 / 2) + log_p_b + log_p_c + lp(logits, X)[0])
    exact = -torch.stack(parts).logsumexp(0)
    assert abs(loss.item() - exact.item()) < 1e-12
    assert (gradient(right, loss) - gradient(right, exact)).abs().max() < 1e-12


def test_a_posterior_mode_weighs_the_prior_once_for_all_rows(tmp_path):
    spec = """
model:
  w: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  x: {observed: bernoulli, logits: w, shape: [2]}
objective: map
"""
    right = program(HEAD + spec, tmp_path)
    settle(right)
    x = torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    loss, *_ = computed(right, {"x": x}, Noise.at(0, dtype=torch.float64), 2)
    (w,) = right.parameters()
    prior = Normal(torch.zeros((), dtype=torch.float64), 2.0)
    exact = -(Bernoulli(logits=w).log_prob(x).sum() + prior.log_prob(w).sum()) / 2
    assert abs(loss.item() - exact.item()) < 1e-12
    assert (gradient(right, loss) - gradient(right, exact)).abs().max() < 1e-12


def test_an_expression_that_is_minimized(tmp_path):
    spec = NORMAL % ("", '{minimize: "2 * kl(guide.z, model.z) - log_prob(model.x)"}')

    def exact(p):
        loc, scale = p.guide.z_loc_scale(X)
        fit = (WEIGHTS * lp(p.model.x_logits(loc + scale * NODES), X)).sum()
        kl = torch.distributions.kl_divergence(Normal(loc, scale), Normal(0.0, 1.0)).sum()
        return 2 * kl - fit

    check(spec, exact, tmp_path, [DETACHED, ("-2.0 * kl_z", "-1.0 * kl_z")])
