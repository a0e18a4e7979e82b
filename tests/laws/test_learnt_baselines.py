"""Score gradients with a learnt baseline: a network of the inputs, a running mean, a scale.

The exact gradients come from enumerating all bits, with densities of torch.distributions; each case
has 200,000 seeded samples in float64, and a false alarm for one seed in 1,500.
"""

from __future__ import annotations

import pytest
import torch

from specc.engine.schedule.scalars import final_scalars
from specc.runtime.draws import score
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import Z, gradient, settle, worst
from tests.laws.test_gradients import HEAD, TWO, X, bits, lp, two_elbo

DRAW = ", draw: {score: {baseline: nvil}}"
SPEC = HEAD + TWO % (DRAW, DRAW) + "objective: elbo\n"
BATCH = {"x": X}


def compiled(folder, change=None, text=SPEC):
    made = program(text, folder, change)
    settle(made)
    return made


def exact(p):
    """The loss, and half the mean squared distance of each baseline from the costs of its bits."""
    h1 = bits(2)[:, None].expand(4, 4, 2)
    h2 = bits(2)[None].expand(4, 4, 2)
    third = torch.tensor(0.3, dtype=torch.float64)
    log_q1, log_q2 = lp(p.guide.h1_logits(X), h1), lp(p.guide.h2_logits(h1), h2)
    of_h1 = lp(p.model.h1_logits(h2), h1)
    kl = (log_q2.exp() * (log_q2 - lp(third, h2))).sum(1, keepdim=True)
    signal = (of_h1 + lp(p.model.x_logits(h1), X) - log_q1 - kl).detach()
    q = (log_q1 + log_q2).exp().detach()
    squares = (signal - p.guide.h1_baseline(X)) ** 2
    squares = squares + (of_h1.detach() - p.guide.h2_baseline(h1)) ** 2
    return two_elbo(p) + 0.5 * (q * squares).sum()


def test_the_mean_gradient_is_exact_and_a_baseline_of_the_draw_is_not(tmp_path):
    right = compiled(tmp_path)
    wanted = gradient(right, exact(right))
    assert worst(right, BATCH, wanted) < Z
    for change in (
        ("h2_baseline = guide.h2_baseline(h1)", "h2_baseline = guide.h2_baseline(h2)"),
        (" + score.surrogate(h1_baseline, signal_h1)", ""),
    ):
        assert worst(compiled(tmp_path, change), BATCH, wanted) > Z, change


def test_the_scale_divides_the_gradient_of_the_guide_alone(tmp_path):
    right = compiled(tmp_path, ('state["h1_square"])', '6.25 + state["h1_square"])'))
    plain = gradient(right, exact(right))
    names = [name for name, _ in right.named_parameters()]
    sizes = [value.numel() for value in right.parameters()]
    up1 = torch.cat(
        [torch.full((n,), float(".up1." in k)) for k, n in zip(names, sizes, strict=True)]
    )
    # The gradient of up1 is that of the score of h1 (in the scale) alone: its other term is E_q[
    # grad log q(h1)] = 0, and h2 has none.
    assert worst(right, BATCH, torch.where(up1 > 0, plain / 2.5, plain)) < Z
    assert worst(right, BATCH, plain) > Z


def test_the_state_follows_the_signal(tmp_path):
    made = compiled(tmp_path)
    (loss,) = made.manifest.losses
    assert [own.name for own in loss.state] == ["h1_mean", "h1_square", "h2_mean", "h2_square"]
    before = {own.name: torch.tensor(-2.0, dtype=torch.float64) for own in loss.state}
    before |= {name: torch.tensor(3.0, dtype=torch.float64) for name in ("h1_square", "h2_square")}
    noise = Noise.at(3, dtype=torch.float64)
    after = made.loss("loss", before, BATCH, noise, final_scalars(loss, 7)).state
    for node in ("h1", "h2"):
        signal = (after[f"{node}_mean"] - 0.9 * before[f"{node}_mean"]) / 0.1
        square = (signal - before[f"{node}_mean"]) ** 2  # of one row
        assert torch.allclose(after[f"{node}_square"], 0.9 * 3.0 + 0.1 * square)


def test_signals_below_one_are_not_scaled_up():
    signal = torch.tensor([1.0, -3.0])
    assert torch.equal(score.scaled(signal, torch.tensor(0.01)), signal)
    assert torch.equal(score.scaled(signal, torch.tensor(4.0)), signal / 2)


LONG = (
    HEAD
    + """
model:
  h2: {latent: bernoulli, logits: 0.3, shape: [2]}
  h1: {latent: bernoulli, logits: down2(h2), shape: [2]}
  x: {observed: bernoulli, logits: down1(h1), shape: [2]}
guide:
  h1: {latent: bernoulli, logits: up1(x), draw: {score: {baseline: nvil, value: h1_baseline}}}
  h2: {latent: bernoulli, logits: up2(h1), draw: {score: {baseline: nvil, value: h2_baseline}}}
  h1_baseline: {let: h1_baseline_net(stop(x)), shape: []}
  h2_baseline: {let: h2_baseline_net(stop(h1)), shape: []}
links:
  down1: linear
  down2: linear
  up1: linear
  up2: linear
  h1_baseline_net: {mlp: [100], activation: tanh}
  h2_baseline_net: {mlp: [100], activation: tanh}
objective: elbo
"""
)


def body(text):
    """The statements of the loss and of the guide, without the lines of the spec."""
    files = generated(text)
    guide = files["guide.py"].split("class Guide")[1]
    return files["objective.py"].split('"""', 4)[-1], guide


def test_the_short_form_is_the_long_form():
    assert body(SPEC) == body(LONG)


def test_a_link_of_the_name_replaces_the_network():
    text = SPEC.replace("links: {", "links: {h1_baseline_net: linear, ")
    guide = generated(text)["guide.py"]
    assert guide.count("nn.Linear(2, 100)") == 1, "that of h2"


@pytest.mark.parametrize("draw", ["{score: nvil}", "{score: {baseline: nvil}}"])
def test_with_particles_and_a_continuous_parent(draw, tmp_path):
    """Each particle has a baseline of its own; no gradient reaches the parent through it."""
    text = f"""{HEAD}
model:
  z: {{latent: normal, loc: 0, scale: 1}}
  h: {{latent: bernoulli, logits: prior(z), shape: []}}
  x: {{observed: bernoulli, logits: "down(z, h)", shape: [2]}}
guide:
  z: {{latent: normal, params: up(x)}}
  h: {{latent: bernoulli, logits: "inner(z, x)", shape: [], draw: {draw}}}
links: {{prior: linear, up: linear, inner: linear, down: linear}}
objective: {{elbo: {{particles: 3}}}}
"""
    made = compiled(tmp_path, text=text)
    assert "h_baseline_net(stop(z), stop(x))" in (made.folder / "guide.py").read_text()
    stuck = ("+ score.surrogate(h_baseline, signal_h)", "")
    without = compiled(tmp_path, stuck, text)
    noise = {"x": X.expand(5, 2)}
    found = [
        gradient(own, own.loss("loss", _zeros(own), noise, Noise.at(1, dtype=torch.float64),
                               final_scalars(own.manifest.losses[0], 7)).loss)
        for own in (made, without)
    ]  # fmt: skip
    of_net = torch.cat([
        torch.full((value.numel(),), "baseline" in name) for name, value in made.named_parameters()
    ])  # fmt: skip
    assert torch.equal(found[0][~of_net], found[1][~of_net])
    assert (found[0] != found[1])[of_net].any()


def _zeros(made):
    (loss,) = made.manifest.losses
    return {own.name: torch.zeros((), dtype=torch.float64) for own in loss.state}
