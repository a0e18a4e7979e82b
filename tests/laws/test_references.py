"""Losses of values of several programs: draws, links, gradients inside a loss, other programs.

Each loss is compared with the same formula in torch on the same draws, in float64, its gradient
with finite differences, and an expectation with its closed form, on 40,000 seeded rows, within 4
standard errors: a false alarm for one seed in 15,000.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import softplus

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.distributions import categorical, normal, uniform
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import settle
from tests.laws.test_gradients import HEAD as BINARY
from tests.losses import computed

HEAD = """\
specc: 1
name: made
data: {source: toy, density: ring, fields: {x: {from: x}}}
"""
GAN = """
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [3]}
  x: {let: generator(z), shape: [2]}
programs:
  between:
    t: {latent: uniform, low: 0, high: 1}
    v: {let: "t * data.x + (1 - t) * model.x"}
links: {generator: {mlp: [4], activation: tanh}, d: {mlp: [5], activation: tanh}}
objective:
  players:
    critic: {minimize: "CRITIC", links: [d]}
    generator: {minimize: "GENERATOR", links: [generator]}
"""
X = torch.tensor([[0.3, -0.4], [1.0, 0.5], [-0.7, 0.2]], dtype=torch.float64)
TERMS = {
    "softplus(-d(data.x)) + softplus(d(model.x))": lambda m: softplus(-m.d(X)) + softplus(m.d(m.x)),
    "-d(model.x)": lambda m: -m.d(m.x),
    "d(model.x) - d(data.x) + 10 * (norm(grad(d(between.v), between.v)) - 1) ** 2": lambda m: (
        m.d(m.x) - m.d(X) + 10 * (m.slope(m.v).norm(dim=-1) - 1) ** 2
    ),
    "d(data.x) * d(model.x) / 2 + sum((model.x - data.x) ** 2)": lambda m: (
        m.d(X) * m.d(m.x) / 2 + ((m.x - X) ** 2).sum(-1)
    ),
    "(d(data.x) - 1) ** 2 + stop(d(model.x)) * d(data.x)": lambda m: (
        (m.d(X) - 1) ** 2 + m.d(m.x).detach() * m.d(X)
    ),
    "d(data.x) * d(model.x) + sum([1, 2]) + 0 * [1, 2] / 2": lambda m: m.d(X) * m.d(m.x) + 3,
}


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


class ByHand:
    """The programs of `GAN` at one draw, in torch."""

    def __init__(self, made, *, between):
        noise = Noise.at(5, dtype=torch.float64)
        self.d = made.networks.d
        self.z = normal.rsample(noise, 0.0, 1.0, shape=(len(X), 3))
        self.x = made.model.generator(self.z)
        if between:
            t = uniform.rsample(noise, 0.0, 1.0, shape=(len(X),))[:, None]
            self.v = t * X + (1 - t) * self.x

    def slope(self, v):
        return torch.autograd.grad(self.d(v).sum(), v, create_graph=True)[0]


def compiled(folder, critic, generator="-d(model.x)", text=GAN):
    found = program(HEAD + text.replace("CRITIC", critic).replace("GENERATOR", generator), folder)
    settle(found)
    return found


def loss_of(made, name, rows=X, seed=5):
    return computed(made, {"x": rows}, Noise.at(seed, dtype=torch.float64), 7, name=name)[0]


@pytest.mark.parametrize("expression", TERMS)
def test_a_loss_is_its_expression_at_one_draw(tmp_path, expression):
    made = compiled(tmp_path, expression)
    wanted = TERMS[expression](ByHand(made, between="between" in expression)).mean()
    found = loss_of(made, "critic")
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
    weights = list(made.networks.parameters())
    theirs = torch.autograd.grad(wanted, weights, retain_graph=True)
    ours = torch.autograd.grad(found, weights, retain_graph=True)
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("expression", TERMS)
@pytest.mark.parametrize("player", ["critic", "generator"])
def test_the_gradient_of_each_player_is_that_of_finite_differences(tmp_path, expression, player):
    expression = expression.replace("stop(d(model.x))", "d(model.x)")
    made = compiled(tmp_path, expression, expression)
    declared = next(loss for loss in made.manifest.losses if loss.name == player)
    own = {n: p for n, p in made.named_parameters() if n.startswith(tuple(declared.parameters))}
    gradients = torch.autograd.grad(loss_of(made, player), list(own.values()))
    for parameter, gradient in zip(own.values(), gradients, strict=True):
        flat, step = parameter.data.view(-1), 1e-6
        for at in (0, len(flat) - 1):
            before = flat[at].item()
            ends = []
            for change in (step, -step):
                flat[at] = before + change
                ends.append(loss_of(made, player).item())
            flat[at] = before
            found = (ends[0] - ends[1]) / (2 * step)
            assert gradient.reshape(-1)[at].item() == pytest.approx(found, rel=1e-5, abs=1e-7)


def test_without_stop_the_gradient_is_another(tmp_path):
    kept = "(d(data.x) - 1) ** 2 + stop(d(model.x)) * d(data.x)"
    made = compiled(tmp_path, kept)
    other = compiled(tmp_path, kept.replace("stop(d(model.x))", "d(model.x)"))
    other.load_state_dict(made.state_dict())
    first, second = (
        torch.autograd.grad(loss_of(m, "critic"), list(m.networks.parameters()))
        for m in (made, other)
    )
    assert not all(torch.allclose(a, b, rtol=1e-3) for a, b in zip(first, second, strict=True))


LINE = """
model:
  w: {parameter: real, init: 0.7}
  z: {latent: normal, loc: 2, scale: 3}
  y: {latent: normal, loc: "w * z", scale: 0.5}
  x: {observed: normal, loc: y, scale: 1, shape: [2]}
objective:
  players:
    fit: {minimize: "model.y ** 2 + sum(model.x)", links: [w]}
"""


def test_a_draw_of_a_program_is_ancestral(tmp_path):
    """E[y^2] = w^2 (loc^2 + scale^2) + 1/4, and E[sum x] = 2 w loc: the observed node is drawn."""
    made = program(HEAD + LINE, tmp_path)
    rows = X[:1].expand(40_000, 2)
    found = loss_of(made, "fit", rows=rows)
    w = made.model.w.detach()
    wanted = w**2 * 13 + 0.25 + 4 * w
    # The standard deviation of y^2 + sum x is below 20 here.
    assert abs(found - wanted) < 4 * 20 / math.sqrt(40_000)
    (gradient,) = torch.autograd.grad(found, [made.model.w])
    slope = 26 * w + 4
    assert abs(gradient - slope) < 4 * 60 / math.sqrt(40_000)
    at_the_data = w**2 * 13 + 0.25 + rows.sum(-1).mean()
    assert abs(found - at_the_data) > 4 * 20 / math.sqrt(40_000)


def test_values_of_a_loss_come_from_one_draw(tmp_path):
    text = LINE.replace('"model.y ** 2 + sum(model.x)"', '"(model.y - w_of_z(model.z)) ** 2"')
    text = text.replace("objective:", "links: {w_of_z: linear}\nobjective:")
    text = text.replace("links: [w]", "links: [w, w_of_z]")
    made = program(HEAD + text, tmp_path)
    with torch.no_grad():
        made.networks.w_of_z[0].weight.fill_(0.7)
        made.networks.w_of_z[0].bias.zero_()
        made.model.w.fill_(0.7)
    # With w_of_z(z) = w z only the noise of y remains, whose variance is 1/4.
    found = loss_of(made, "fit", rows=X[:1].expand(40_000, 2))
    assert abs(found - 0.25) < 4 * 0.25 * math.sqrt(2 / 40_000)


COINS = """
model:
  z: {latent: categorical, logits: logit, DRAW}
  logit: {parameter: real, shape: [3]}
  y: {let: "value(z)", shape: []}
links: {value: linear}
objective: {players: {fit: {minimize: "model.y ** 2 + sum(data.x)", links: [logit, value]}}}
"""


@pytest.mark.parametrize("draw", ["draw: enumerate", "draw: {score: {baseline: mean}}"])
def test_the_gradient_through_a_discrete_draw_is_that_of_the_expectation(tmp_path, draw):
    made = program(HEAD + COINS.replace("DRAW", draw), tmp_path)
    settle(made)
    with torch.no_grad():
        made.model.value[0].weight.copy_(torch.tensor([[3.0, -1.0, 2.0]]))
    rows = X[:1].expand(40_000, 2)
    found = torch.autograd.grad(loss_of(made, "fit", rows=rows), [made.model.logit])[0]
    values = made.model.y(torch.arange(3))
    mean = (made.model.logit.softmax(0) * values**2).sum()
    exact = torch.autograd.grad(mean, made.model.logit)[0]
    # Minus its mean, y^2 times a derivative of log p is at most the range of y^2.
    widest = values.square().max() - values.square().min()
    spread = 1e-12 if "enumerate" in draw else 4 * widest.item() / math.sqrt(40_000)
    assert (found - exact).abs().max() < spread
    assert exact.abs().max() > 4 * spread


def test_a_detached_draw_is_refused_where_its_distribution_is_trained():
    text = HEAD + COINS.replace(", DRAW", "")
    assert [d.code for d in front(Source("made.yaml", text)).diagnostics] == ["E0453"]
    stopped = text.replace("logits: logit", "logits: stop(logit)")
    assert stopped != text
    assert "E0453" not in [d.code for d in front(Source("made.yaml", stopped)).diagnostics]
    alone = text.replace("links: [logit, value]", "links: [value]")
    codes = [d.code for d in front(Source("made.yaml", alone)).diagnostics]
    assert codes == ["W0444"]


HELMHOLTZ = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  x: {observed: bernoulli, logits: down(h), shape: [2]}
guide:
  h: {latent: bernoulli, logits: up(x)}
links: {down: linear, up: linear}
objective:
  players:
    wake: {minimize: "-log_prob(model.x) - log_prob(model.h)", links: [down]}
    sleep: {minimize: "-log_prob(guide.h, at=AT)", links: [up]}
"""
BITS = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 2)


def log_p(logits, value):
    return torch.distributions.Bernoulli(logits=logits).log_prob(value).sum(-1)


def helmholtz(folder, at="model"):
    text = HELMHOLTZ.replace("AT", at)
    made = program(BINARY + text, folder)
    settle(made)
    return made


def dreamed(made):
    """E_p[-log q(h | x)] by enumeration of h and x."""
    h, x = BITS[:, None].double(), BITS[None].double()
    prior = log_p(torch.tensor(0.3, dtype=torch.float64), h)
    joint = (prior + log_p(made.model.down(h), x)).exp()
    return -(joint * log_p(made.guide.up(x), h)).sum()


def test_the_sleep_phase_is_the_expectation_under_the_model(tmp_path):
    """The gradient of E_p[-log q(h | x)] with the model fixed (Hinton et al. 1995, section 3)."""
    made = helmholtz(tmp_path)
    rows = torch.zeros(40_000, 2, dtype=torch.float64)
    weights = list(made.guide.up.parameters())
    found = loss_of(made, "sleep", rows=rows)
    wanted = dreamed(made)
    assert abs(found - wanted) < 4 * 3 / math.sqrt(40_000)
    ours, theirs = (torch.autograd.grad(each, weights) for each in (found, wanted))
    for own, other in zip(ours, theirs, strict=True):
        assert (own - other).abs().max() < 4 * 1 / math.sqrt(40_000)
    other = helmholtz(tmp_path, at="guide")
    other.load_state_dict(made.state_dict())
    theirs = torch.autograd.grad(
        loss_of(other, "sleep", rows=rows), list(other.guide.up.parameters())
    )
    assert any(
        (a - b).abs().max() > 8 / math.sqrt(40_000) for a, b in zip(ours, theirs, strict=True)
    )


def test_the_wake_phase_is_the_bound_with_the_guide_fixed(tmp_path):
    """The gradient of E_q[-log p(x, h)] in the model alone, with h summed out exactly."""
    made = helmholtz(tmp_path)
    rows = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    weights = list(made.model.down.parameters())
    found = loss_of(made, "wake", rows=rows)
    h = BITS[:, None].double()
    prior = log_p(torch.tensor(0.3, dtype=torch.float64), h)
    q = log_p(made.guide.up(rows), h).exp()
    wanted = -(q * (prior + log_p(made.model.down(h), rows))).sum(0).mean()
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
    ours, theirs = (torch.autograd.grad(each, weights) for each in (found, wanted))
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-10, atol=1e-14)


CODE = """
model:
  c: {latent: categorical, logits: 0, classes: 3}
  z: {latent: normal, loc: 0, scale: 1}
  y: {let: "generator(c, z)", shape: [2]}
programs:
  code:
    c: {latent: categorical, logits: reader(model.y)}
links: {generator: linear, reader: linear}
objective:
  players:
    both: {minimize: "-log_prob(code.c, at=model)", links: [generator, reader]}
    data: {minimize: "sum(data.x) * log_prob(code.c, at=model)", links: [reader]}
"""


def test_a_density_at_another_draw_is_of_that_value(tmp_path):
    """The mutual-information bound of InfoGAN (Chen et al. 2016, equation 5), one code per row."""
    made = program(HEAD + CODE, tmp_path)
    settle(made)
    noise = Noise.at(5, dtype=torch.float64)
    c = categorical.sample(noise, torch.zeros(3, dtype=torch.float64), shape=(len(X),))
    z = normal.rsample(noise, 0.0, 1.0, shape=(len(X),))
    y = made.model.y(c, z)
    log_q = made.code.reader(y).log_softmax(-1).gather(-1, c[:, None])[:, 0]
    found = loss_of(made, "both")
    torch.testing.assert_close(found, -log_q.mean(), rtol=1e-12, atol=0)
    assert torch.autograd.grad(found, [made.model.generator.weight])[0].abs().sum() > 0
    torch.testing.assert_close(
        loss_of(made, "data"), (X.sum(-1) * log_q).mean(), rtol=1e-12, atol=0
    )
