"""Losses of several players: values of nodes, functions of terms, and `stop`.

The exact gradients come from enumerating all bits, with densities of torch.distributions; each case
has 200,000 seeded samples in float64, and a false alarm for one seed in 1,500.
"""

from __future__ import annotations

import pytest
import torch

from specc.engine.schedule.scalars import final_scalars
from specc.engine.storage.loaded_run import precision
from specc.runtime.distributions import bernoulli
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import Z, gradient, settle, worst
from tests.laws.test_gradients import HEAD, THIRD, X, bits, elbo, lp, terms
from tests.losses import computed

SPEC = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  x: {observed: bernoulli, logits: down(h), shape: [2]}
guide:
  h: {latent: bernoulli, logits: up(x), draw: DRAW}
  b: {let: baseline(x), shape: []}
links: {up: linear, down: linear, baseline: linear}
objective:
  players:
    bound: {minimize: "-elbo(model, guide)", links: [up, down]}
    critic: {minimize: "CRITIC", links: [baseline]}
"""
SQUARE = "(stop(elbo(model, guide)) - guide.b) ** 2"


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def compiled(folder, draw="score", critic=SQUARE, change=None):
    found = program(HEAD + SPEC.replace("DRAW", draw).replace("CRITIC", critic), folder, change)
    settle(found)
    return found


def loss_of(made, name, noise=None, rows=X):
    noise = Noise.at(3, dtype=torch.float64) if noise is None else noise
    return computed(made, {"x": rows}, noise, 7, name=name)[0]


def test_a_players_loss_is_its_expression_at_the_draws(tmp_path):
    made = compiled(tmp_path)
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = loss_of(made, "critic", rows=rows)
    logits = made.guide.h_logits(rows)
    h = bernoulli.sample(Noise.at(3, dtype=torch.float64), logits)
    third = torch.tensor(0.3, dtype=torch.float64)
    bound = lp(third, h) + lp(made.model.x_logits(h), rows) - lp(logits, h)
    assert torch.allclose(found, ((bound - made.guide.b(rows)) ** 2).mean(), rtol=1e-12)


def test_no_gradient_passes_stop(tmp_path):
    made = compiled(tmp_path)
    loss_of(made, "critic").backward()
    trained = made.guide.baseline[0].weight.grad
    assert trained is not None and trained.abs().sum() > 0
    others = [p for n, p in made.named_parameters() if "baseline" not in n]
    assert all(p.grad is None or not p.grad.any() for p in others)


def test_a_player_trains_its_links_alone(tmp_path):
    losses = {loss.name: set(loss.parameters) for loss in compiled(tmp_path).manifest.losses}
    assert losses == {"bound": {"guide.up", "model.down"}, "critic": {"guide.baseline"}}


def test_a_bound_beside_another_player_is_the_bound_alone(tmp_path):
    made = compiled(tmp_path, draw="enumerate", critic="(guide.b - 2) ** 2")
    found = loss_of(made, "bound")
    assert torch.allclose(found, elbo(made), rtol=1e-12)
    assert torch.allclose(gradient(made, found), gradient(made, elbo(made)), rtol=1e-10)


OF_THE_DRAWS = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  x: {observed: bernoulli, logits: down(h), shape: [2]}
guide:
  h: {latent: bernoulli, logits: up(x), draw: DRAW}
links: {up: linear, down: linear}
objective: {minimize: "-elbo(model, guide) + sum(guide.h) ** 2"}
"""


def of_the_draws(made):
    """The negative bound and E_q[(h_1 + h_2)^2], summed over all bits."""
    q = terms(made)[0].exp()
    return elbo(made) + (q * bits(2).sum(-1) ** 2).sum()


@pytest.mark.parametrize("draw", ["enumerate", "score"])
def test_a_value_of_the_draws_of_the_guide(tmp_path, draw):
    made = program(HEAD + OF_THE_DRAWS.replace("DRAW", draw), tmp_path)
    settle(made)
    wanted, wrong = gradient(made, of_the_draws(made)), gradient(made, elbo(made))
    if draw == "enumerate":
        found = loss_of(made, "loss")
        assert torch.allclose(found, of_the_draws(made), rtol=1e-12)
        assert torch.allclose(gradient(made, found), wanted, rtol=1e-10)
        return
    rows = {"x": X.expand(2000, -1)}
    assert worst(made, rows, wanted) < Z < worst(made, rows, wrong)


OF_WHAT_FOLLOWS = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  m: {let: down(h), shape: [2]}
  x: {observed: bernoulli, logits: m}
guide:
  h: {latent: bernoulli, logits: up(x), draw: DRAW}
  size: {let: sum(model.m ** 2), shape: []}
links: {up: linear, down: linear}
objective: {minimize: "-elbo(model, guide) + guide.size"}
"""


def of_what_follows(made, weight=1.0):
    """The negative bound and the weight times E_q[|m(h)|^2], summed over all bits."""
    h = bits(2)
    m = made.model.down(h)
    log_q = lp(made.guide.h_logits(X), h)
    log_w = lp(THIRD, h) + lp(m, X) - log_q
    return (log_q.exp() * (weight * (m**2).sum(-1) - log_w)).sum()


@pytest.mark.parametrize("draw", ["enumerate", "score"])
def test_what_follows_the_draws_of_the_guide_is_computed_once(tmp_path, draw):
    text = HEAD + OF_WHAT_FOLLOWS.replace("DRAW", draw)
    assert generated(text)["objective.py"].count(".m(") == 1
    made = program(text, tmp_path)
    settle(made)
    wanted, wrong = (gradient(made, of_what_follows(made, weight)) for weight in (1.0, 0.9))
    if draw == "enumerate":
        found = loss_of(made, "loss")
        assert torch.allclose(found, of_what_follows(made), rtol=1e-12)
        assert torch.allclose(gradient(made, found), wanted, rtol=1e-10)
        return
    rows = {"x": X.expand(2000, -1)}
    assert worst(made, rows, wanted) < Z < worst(made, rows, wrong)


def test_a_loss_of_a_value_alone_is_that_value(tmp_path):
    made = compiled(tmp_path, critic="(guide.b - 2) ** 2")
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = loss_of(made, "critic", rows=rows)
    assert torch.allclose(found, ((made.guide.b(rows) - 2) ** 2).mean(), rtol=1e-12)
    assert "model.log_prob" not in made.capabilities


MIXTURE = """
model:
  y: {latent: categorical, logits: [0.1, 0.2, -0.4]}
  x: {observed: bernoulli, logits: down(y), shape: [2]}
links: {down: linear, base: linear}
objective: OBJECTIVE
"""


@pytest.mark.parametrize(
    ("expression", "change"),
    [
        ("-2 * mle(model)", lambda log_p, b: -2 * log_p),
        ("-mle(model) + base(data.x)", lambda log_p, b: b - log_p),
        ("-mle(model) + base(data.x) ** 2", lambda log_p, b: b**2 - log_p),
    ],
    ids=["doubled", "shifted", "penalized"],
)
def test_log_prob_is_the_likelihood_whatever_is_minimized(tmp_path, expression, change):
    """A loss may be any function of log p(x), and `model.log_prob` remains log p(x)."""
    exact = program(HEAD + MIXTURE.replace("OBJECTIVE", "mle"), tmp_path)
    written = f'{{players: {{fit: {{minimize: "{expression}"}}}}}}'
    other = program(HEAD + MIXTURE.replace("OBJECTIVE", written), tmp_path)
    other.model.load_state_dict(exact.model.state_dict())
    assert torch.equal(other.model.log_prob(x=X), exact.model.log_prob(x=X))
    base = other.networks.base(X) if "base" in expression else None
    wanted = change(exact.model.log_prob(x=X), base).mean()
    assert torch.allclose(loss_of(other, "fit"), wanted, rtol=1e-12)


POINT = """
model:
  w: {latent: normal, loc: 0, scale: 1, shape: [2], global: true, draw: delta}
  x: {observed: bernoulli, logits: w, shape: [2]}
objective: {minimize: "EXPRESSION"}
"""


@pytest.mark.parametrize(
    ("expression", "likelihood", "prior"),
    [
        ("-map(model)", 1, 1),
        ("-log_prob(model.x)", 1, 0),
        ("-2 * map(model)", 2, 2),
        ("-map(model) - 9 * log_prob(model.w)", 1, 10),
    ],
)
def test_the_prior_of_a_point_has_its_written_weight(tmp_path, expression, likelihood, prior):
    exact = program(HEAD + POINT.replace("EXPRESSION", "-map(model)"), tmp_path)
    settle(exact)
    made = program(HEAD + POINT.replace("EXPRESSION", expression), tmp_path)
    made.load_state_dict(exact.state_dict())
    (w,) = made.parameters()
    shared = exact.model.log_prior(w=w) / 7
    wanted = -likelihood * exact.model.log_prob(x=X).mean() - prior * shared
    assert torch.allclose(loss_of(made, "loss"), wanted, rtol=1e-12)


def power(made):
    """The expectation of (log p(x | h))^2 over the guide's bits."""
    log_q, _ = terms(made)
    h = torch.tensor([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)], dtype=torch.float64)
    return (log_q.exp() * lp(made.model.x_logits(h), X) ** 2).sum()


ALONE = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  x: {observed: bernoulli, logits: down(h), shape: [2]}
guide:
  h: {latent: bernoulli, logits: up(x), draw: DRAW}
links: {up: linear, down: linear}
objective:
  players:
    loss: {minimize: "log_prob(model.x) ** 2"}
"""


def squared(folder, draw, change=None):
    made = program(HEAD + ALONE.replace("DRAW", draw), folder, change)
    settle(made)
    return made


def test_a_function_of_a_density_is_exact_where_the_draws_are_enumerated(tmp_path):
    made = squared(tmp_path, "enumerate")
    found = loss_of(made, "loss")
    assert torch.allclose(found, power(made), rtol=1e-12)
    assert torch.allclose(gradient(made, found), gradient(made, power(made)), rtol=1e-10)


def test_the_score_gradient_of_a_function_of_a_density_is_unbiased(tmp_path):
    made = squared(tmp_path, "score")
    wanted = gradient(made, power(made))
    assert worst(made, {"x": X}, wanted) < Z
    wrong = squared(tmp_path, "score", ("signal_h = -log_p_x**2", "signal_h = -log_p_x"))
    assert worst(wrong, {"x": X}, wanted) > Z


RUNNING = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  x: {observed: bernoulli, logits: down(h), shape: [2]}
guide:
  h: {latent: bernoulli, logits: up(x), draw: {score: {baseline: running}}}
links: {up: linear, down: linear}
objective: OBJECTIVE
"""


def with_state(folder, objective, change=None):
    made = program(HEAD + RUNNING.replace("OBJECTIVE", objective), folder, change)
    settle(made)
    return made


def test_a_running_baseline_leaves_the_mean_gradient_as_it_is(tmp_path):
    start = ('state["h_baseline"]\n', 'state["h_baseline"] + 3.7\n')
    made = with_state(tmp_path, "elbo", start)
    wanted = gradient(made, elbo(made))
    assert worst(made, {"x": X}, wanted) < Z
    wrong = with_state(tmp_path, "elbo", ("signal_h = log_p_x", "signal_h = 0.9 * log_p_x"))
    assert worst(wrong, {"x": X}, wanted) > Z


@pytest.mark.parametrize("objective", ["elbo", "{iwae: {particles: 3}}", "{elbo: {particles: 2}}"])
def test_the_state_is_the_running_mean_of_the_signal(objective, tmp_path):
    made = with_state(tmp_path, objective)
    (loss,) = made.manifest.losses
    before = {"h_baseline": torch.tensor(-2.0, dtype=torch.float64)}
    noise = Noise.at(3, dtype=torch.float64)
    result = made.loss("loss", before, {"x": X}, noise, final_scalars(loss, 7))
    plain = "none" if "iwae" in objective else ""
    assert [own.name for own in loss.state] == ["h_baseline"]
    signal = (result.state["h_baseline"] - 0.9 * before["h_baseline"]) / 0.1
    bound = result.metrics[loss.bound]
    kl = result.metrics.get("KL(q(h | x) || p(h))", 0.0)
    assert torch.allclose(signal, bound if plain else bound + kl)


AT_DATA = """
data: {source: npz, path: d.npz, fields: {x: {from: x}, u: {from: u}, v: {from: v}}}
model:
  x: {given: x, shape: [2]}
  u: {given: u, shape: [2]}
  v: {given: v, shape: [2]}
programs:
  p:
    h: {let: up(data.x), shape: [2]}
    u: {latent: normal, loc: h, scale: 1}
    g: {let: down(u), shape: [2]}
    v: {latent: normal, loc: g, scale: 1}
links: {up: linear, down: linear}
objective:
  minimize: "-log_prob(p.u, at=data) - log_prob(p.v, at=data) + sum(p.h ** 2) + sum(p.g ** 2)"
"""


def test_what_does_not_follow_a_draw_is_the_same_at_other_values(tmp_path):
    """`h` is computed once; `g` is one value at the data and another at the draw of `u`."""
    text = HEAD + AT_DATA
    assert generated(text)["objective.py"].count("p.h(") == 1
    assert generated(text)["objective.py"].count("p.g(") == 2
    made = program(text, tmp_path)
    settle(made)
    batch = {name: torch.rand(3, 2, dtype=torch.float64) for name in ("x", "u", "v")}
    found = computed(made, batch, Noise.at(3, dtype=torch.float64), 7)[0]
    h = made.p.up(batch["x"])
    drawn = h + Noise.at(3, dtype=torch.float64).normal((3, 2))
    wanted = lp_normal(batch["u"], h) + lp_normal(batch["v"], made.p.down(batch["u"]))
    wanted = -wanted + (h**2).sum(-1) + (made.p.down(drawn) ** 2).sum(-1)
    assert torch.allclose(found, wanted.mean(), rtol=1e-12)


def lp_normal(value, loc):
    return torch.distributions.Normal(loc, 1.0).log_prob(value).sum(-1)
