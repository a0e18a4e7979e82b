"""Weights of a loss that change during the run: `progress()`, the fraction that is done.

The loss at a step is its formula at that fraction, and its gradient is the derivative of that
formula, by finite differences; with another fraction in the generated code both differ.
"""

from __future__ import annotations

import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

SPEC = """\
specc: 1
name: rising
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  x: {given: x}
links: {f: linear, g: linear}
constants: {rise: 0.4}
objective:
  players:
    first:
      minimize: >-
        exp(-5 * relu(1 - progress() / rise) ** 2) * f(data.x) ** 2
        + (1 - progress()) * softplus(g(data.x)) - progress()
      links: [f]
    second: {minimize: "g(data.x) ** 2", links: [g]}
"""
X = torch.tensor([[0.3, -1.2], [2.0, 0.5], [-0.7, 0.1]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def made(folder, change=None):
    found = program(SPEC, folder, change)
    settle(found)
    return found


def loss_at(found, t):
    return computed(found, {"x": X}, Noise.at(0, dtype=torch.float64), name="first", progress=t)[0]


def formula(found, t):
    weight = math.exp(-5 * max(0.0, 1 - t / 0.4) ** 2)
    f, g = found.networks.f(X), found.networks.g(X)
    return (weight * f**2 + (1 - t) * torch.nn.functional.softplus(g) - t).mean()


@pytest.mark.parametrize("t", [0.0, 0.1, 0.4, 0.75, 1.0])
@pytest.mark.parametrize("kind", [float, torch.tensor])
def test_a_loss_is_its_formula_at_each_step(t, kind, tmp_path):
    found = made(tmp_path)
    loss = loss_at(found, kind(t))
    assert torch.allclose(loss, formula(found, t), rtol=1e-7 if kind is float else 1e-12)


def slopes(found, t, step=1e-6):
    """The derivative with respect to all parameters by central differences."""
    differences = []
    for value in found.parameters():
        for entry in value.data.view(-1):
            ends = []
            for sign in (1, -1):
                entry += sign * step
                ends.append(loss_at(found, t).item())
                entry -= sign * step
            differences.append((ends[0] - ends[1]) / (2 * step))
    return torch.tensor(differences, dtype=torch.float64)


def test_the_gradient_is_that_of_the_formula(tmp_path):
    found = made(tmp_path)
    wanted = slopes(found, 0.1)
    torch.testing.assert_close(gradient(found, loss_at(found, 0.1)), wanted, rtol=1e-6, atol=1e-8)
    wrong = made(tmp_path, ("torch.as_tensor(progress)", "2 * torch.as_tensor(progress)"))
    other = gradient(wrong, loss_at(wrong, 0.1))
    assert not torch.allclose(other, wanted, rtol=1e-2)


def test_held_out_rows_have_the_loss_at_the_end(tmp_path):
    found = made(tmp_path)
    loss = computed(found, {"x": X}, Noise.at(0, dtype=torch.float64), name="first")[0]
    assert torch.allclose(loss, formula(found, 1.0))


def test_only_the_losses_that_use_it_receive_it(tmp_path):
    losses = {own.name: set(own.scalars) for own in made(tmp_path).manifest.losses}
    assert losses == {"first": {"progress"}, "second": set()}


BOUND = """\
specc: 1
name: bound
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  c: {latent: categorical, logits: 0, classes: 3, draw: DRAW}
  z: {latent: normal, loc: e(c), scale: 1, shape: [2]}
  x: {observed: normal, loc: down(z), scale: 1}
guide:
  c: {latent: categorical, logits: choice(x)}
  z: {latent: normal, params: up(x)}
links: {e: {embed: true}, down: linear, up: linear, choice: linear}
objective: OBJECTIVE
"""
WARM = "{elbo: {warm_up: 0.4}}"
WRITTEN = """
  minimize: >-
    -log_prob(model.x)
    + clip(progress() / 0.4, 0, 1) * (kl(guide.c, model.c) + kl(guide.z, model.z))"""


def of_bound(folder, objective, draw, t):
    """The loss of a bound whose divergences have a weight, at a fraction t, and its gradient."""
    text = BOUND.replace("OBJECTIVE", objective).replace("DRAW", draw)
    found = program(text, folder)
    settle(found)
    (own,) = found.manifest.losses
    weight = {"kl_weight": min(1.0, t / 0.4), "progress": t}
    noise = Noise.at(0, dtype=torch.float64)
    used = {name: weight[name] for name in own.scalars}
    loss, _, parts = computed(found, {"x": X}, noise, 4, **used)
    return loss, gradient(found, loss), parts


@pytest.mark.parametrize("draw", ["enumerate", "{score: {baseline: mean}}"])
@pytest.mark.parametrize("t", [0.0, 0.1, 0.6])
def test_divergences_with_such_a_factor_are_those_of_a_warm_up(t, draw, tmp_path):
    """The gradient has that weight too, and the divergences keep their closed forms.

    A term is reported with its factor, so that the terms add up to the bound.
    """
    loss, slope, parts = of_bound(tmp_path, WRITTEN, draw, t)
    wanted, wanted_slope, _ = of_bound(tmp_path, WARM, draw, t)
    assert torch.allclose(loss, wanted, rtol=1e-12)
    assert torch.allclose(slope, wanted_slope, rtol=1e-9, atol=1e-12)
    assert "clip(2.5 progress(), 0, 1) * KL(q(c | x) || p(c))" in parts
    wrong = of_bound(tmp_path, WRITTEN, draw, t + 0.2)[0]
    assert torch.allclose(loss, wrong) == (t == 0.6)


def test_a_bound_may_have_such_a_factor(tmp_path):
    """Its terms each have that factor, so the bound at t is t times the bound."""
    scaled = '{minimize: "-progress() * elbo(model, guide)"}'
    at = [of_bound(tmp_path, scaled, "enumerate", t)[0] for t in (0.3, 1.0)]
    plain = of_bound(tmp_path, "elbo", "enumerate", 1.0)[0]
    assert torch.allclose(torch.stack(at), plain * torch.tensor([0.3, 1.0], dtype=torch.float64))


def test_a_bound_that_is_the_log_of_a_mean_is_refused():
    objective = '{minimize: "-progress() * iwae(model, guide, 8)"}'
    text = BOUND.replace("OBJECTIVE", objective).replace("DRAW", "enumerate")
    with pytest.raises(AssertionError, match="progress"):
        generated(text)
