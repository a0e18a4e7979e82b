"""Links, parameters and deterministic nodes that the model and the guide share.

Each loss is compared with the same formula in torch on the same draws, in float64, and its gradient
with finite differences; a guide with separate weights fails the same test.
"""

from __future__ import annotations

import pytest
import torch

from specc.compiler import compile, front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.distributions import bernoulli, normal
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import settle
from tests.losses import computed

HEAD = """\
specc: 1
name: made
data: {source: digits, fields: {x: {from: image, shape: [8, 8], binarize: sample}}}
"""
TIED = """
model:
  w: {parameter: positive, shape: [64, 3]}
  z: {latent: normal, loc: 0, scale: 1, shape: [3]}
  x: {observed: bernoulli, logits: "w @ z - 1"}
guide:
  z: {latent: normal, loc: "x @ model.w / 64", scale: 0.5}
objective: elbo
"""
FLAT = HEAD.replace(", shape: [8, 8]", "")
RECURRENT = """
plates: {t: {scan: 8}}
model:
  features: {let: phi(x), shape: [5], plate: t}
  h: {let: "rnn(h[t-1], features, z)", shape: [4], plate: t, initial: 0}
  z: {latent: normal, params: "prior(h[t-1])", shape: [3], plate: t}
  x: {observed: bernoulli, logits: "decoder(z, h[t-1])", plate: t}
guide:
  z: {latent: normal, params: "encoder(model.features, model.h[t-1])"}
links:
  phi: {mlp: [5], activation: tanh}
  rnn: gru
  prior: {mlp: [4], activation: tanh}
  decoder: {mlp: [4], activation: tanh}
  encoder: {mlp: [4], activation: tanh}
objective: elbo
"""
LADDER = """
model:
  z2: {latent: normal, loc: 0, scale: 1, shape: [2]}
  top: {let: down(z2), shape: [3]}
  z1: {latent: normal, loc: top, scale: 0.5, shape: [3]}
  x: {observed: bernoulli, logits: decoder(z1)}
guide:
  up: {let: encoder(x), shape: [3]}
  z2: {latent: normal, params: middle(up)}
  z1: {latent: normal, loc: "(up + model.top) / 2", scale: 0.3}
links:
  down: {mlp: [4], activation: tanh}
  decoder: {mlp: [4], activation: tanh}
  encoder: {mlp: [4], activation: tanh}
  middle: linear
objective: elbo
"""
MIXED = """
model:
  u: {parameter: unit_interval, shape: [5, 64]}
  c: {latent: categorical, logits: logits, draw: enumerate}
  logits: {parameter: real, shape: [5]}
  z: {latent: normal, params: "encoder(u[c])", shape: [2]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links: {encoder: {mlp: [6], activation: tanh}, decoder: {mlp: [6], activation: tanh}}
objective: elbo
"""
X = torch.bernoulli(torch.full((4, 64), 0.4, dtype=torch.float64))
ROWS = {TIED: X, LADDER: X, RECURRENT: X.reshape(4, 8, 8)}


def made(text, folder):
    found = program((HEAD if text is RECURRENT else FLAT) + text, folder)
    settle(found)
    return found


def loss_of(program, text):
    noise = Noise.at(3, dtype=torch.float64)
    return computed(program, {"x": ROWS[text]}, noise).loss


def tied(program, noise):
    model = program.model
    loc = X @ model.log_w.exp() / 64
    z = loc + 0.5 * noise.normal(loc.shape).to(loc)
    logits = z @ model.log_w.exp().T - 1
    kl = normal.kl_normal(loc, torch.full_like(loc, 0.5), 0.0, 1.0).sum(-1)
    return -(bernoulli.log_prob(X, logits).sum(-1) - kl).mean()


def ladder(program, noise):
    model, guide = program.model, program.guide
    up = guide.encoder(X)
    loc2, scale2 = guide.z2_loc_head(up), guide.z2_log_scale_head(up).exp()
    z2 = loc2 + scale2 * noise.normal(loc2.shape).to(loc2)
    top = model.down(z2)
    loc1, scale1 = (up + top) / 2, torch.full_like(top, 0.3)
    z1 = loc1 + scale1 * noise.normal(loc1.shape).to(loc1)
    log_p = bernoulli.log_prob(X, model.decoder(z1)).sum(-1)
    kl = normal.kl_normal(loc1, scale1, top, torch.full_like(top, 0.5)).sum(-1)
    return -(log_p - kl - normal.kl_normal(loc2, scale2, 0.0, 1.0).sum(-1)).mean()


def recurrent(program, noise):
    model, guide = program.model, program.guide
    rows, total = ROWS[RECURRENT], 0.0
    h = torch.zeros(4, 4, dtype=torch.float64)
    for x in rows.unbind(1):
        f = model.phi(x)
        e = guide.encoder(torch.cat([f, h], -1))
        loc, scale = guide.z_loc_head(e), guide.z_log_scale_head(e).exp()
        z = loc + scale * noise.normal(loc.shape).to(loc)
        p = model.prior(h)
        prior = model.z_loc_head(p), model.z_log_scale_head(p).exp()
        logits = model.decoder(torch.cat([z, h], -1))
        total = total + bernoulli.log_prob(x, logits).sum(-1)
        total = total - normal.kl_normal(loc, scale, *prior).sum(-1)
        h = model.rnn(torch.cat([h, f, z], -1))
    return -total.mean()


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


BY_HAND = {TIED: tied, LADDER: ladder, RECURRENT: recurrent}
NAMES = {TIED: "parameter", LADDER: "node", RECURRENT: "sequence"}


@pytest.mark.parametrize("text", BY_HAND, ids=NAMES.get)
def test_the_loss_is_that_of_the_formula(text, tmp_path):
    program = made(text, tmp_path)
    found, wanted = loss_of(program, text), BY_HAND[text](program, Noise.at(3, dtype=torch.float64))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize("text", BY_HAND, ids=NAMES.get)
def test_what_is_shared_gets_the_gradient_of_both_uses(text, tmp_path):
    program = made(text, tmp_path)
    gradients = torch.autograd.grad(loss_of(program, text), list(program.parameters()))
    for parameter, gradient in zip(program.parameters(), gradients, strict=True):
        flat, step = parameter.data.view(-1), 1e-5
        for at in {0, flat.numel() - 1}:
            before, ends = flat[at].item(), []
            for change in (step, -step):
                flat[at] = before + change
                ends.append(loss_of(program, text).item())
            flat[at] = before
            slope = (ends[0] - ends[1]) / (2 * step)
            assert gradient.view(-1)[at].item() == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_without_the_guides_part_the_gradient_is_another(tmp_path):
    program = made(TIED, tmp_path)
    (both,) = torch.autograd.grad(loss_of(program, TIED), [program.model.log_w])
    program.guide.log_w = torch.nn.Parameter(program.model.log_w.detach().clone())
    (one,) = torch.autograd.grad(loss_of(program, TIED), [program.model.log_w])
    assert not torch.allclose(one, both, rtol=1e-2)


@pytest.mark.parametrize("text", BY_HAND, ids=NAMES.get)
def test_a_shared_tensor_is_one_parameter(text, tmp_path):
    program = made(text, tmp_path)
    names = [name for name, _ in program.named_parameters()]
    assert names == list(program.manifest.parameters)
    assert len({id(p) for p in program.parameters()}) == len(names)


def test_a_link_under_params_is_shared_with_its_heads(tmp_path):
    """The prior is the density of the guide at learnt inputs (Tomczak and Welling 2018)."""
    found = program(FLAT + MIXED, tmp_path)
    for name in ("encoder", "z_loc_head", "z_log_scale_head"):
        assert getattr(found.guide, name) is getattr(found.model, name)
    at = {"x": X}
    u = found.model.u
    for prior, posterior in zip(
        found.model.z_loc_scale(torch.tensor([2])), found.guide.z_loc_scale(u[2:3]), strict=True
    ):
        assert torch.equal(prior, posterior)
    assert computed(found, at, Noise.at(3, dtype=torch.float64)).loss.isfinite()


def test_what_the_guide_computes_is_not_computed_again(tmp_path):
    text = generated(FLAT + LADDER)["objective.py"]
    assert text.count(".top(") == 1


WRONG = {
    "model.nothing": ("E0201", "model.nothing"),
    "model.z2": ("E0222", "model.z2"),
    "model.x": ("E0222", "model.x"),
    "top": ("E0226", "top"),
}


@pytest.mark.parametrize("used", WRONG)
def test_what_cannot_be_shared_is_refused(used):
    text = FLAT + LADDER.replace("model.top", used)
    code, at = WRONG[used]
    found = front(Source("made.yaml", text)).diagnostics
    assert [(d.code, d.span.text) for d in found] == [(code, at)]


def test_a_node_that_needs_the_draw_itself_is_a_cycle():
    text = FLAT + LADDER.replace("params: middle(up)", 'loc: "mean(up) + sum(model.top)", scale: 1')
    found = front(Source("made.yaml", text)).diagnostics
    assert [d.code for d in found if d.code[0] == "E"] == ["E0233"]
    assert "model.top -> z2 -> model.top" in str(found[0].evidence)


def test_two_uses_of_other_sizes_are_refused():
    text = FLAT + LADDER.replace("middle(up)", "down(up)").replace("  middle: linear\n", "")
    found = front(Source("made.yaml", text)).diagnostics
    assert [d.code for d in found] == ["E0604"]


def test_explain_states_what_is_shared():
    result, _ = compile(Source("made.yaml", FLAT + LADDER))
    assert result is not None
    from specc.codegen.explain import explain

    text = explain(result.plan)
    assert "shared  of     used in  trained by" in text
    assert "down    model  guide    loss" in text
