"""Gradients of wake-sleep and of reweighted wake-sleep, against enumeration of all bits.

The densities are those of torch.distributions; each case has 200,000 seeded samples in float64, and
a false alarm for one seed in 1,500. Wrong variants of the generated code fail the same test.
"""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient, sampled, settle
from tests.laws.test_gradients import HEAD, THIRD, X, bits, lp, terms
from tests.laws.test_references import HEAD as CIRCLE
from tests.losses import computed

SPEC = """
model:
  h: {latent: bernoulli, logits: 0.3, shape: [2]}
  x: {observed: bernoulli, logits: down(h), shape: [2]}
guide:
  h: {latent: bernoulli, logits: up(x)DRAW}
links: {up: linear, down: linear}
objective: OBJECTIVE
"""
PARTICLES = 2


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def compiled(folder, objective, change=None, draw=""):
    text = SPEC.replace("OBJECTIVE", objective).replace("DRAW", draw)
    made = program(HEAD + text, folder, change)
    settle(made)
    return made


def wake(p):
    """-E_q[log p(x, h)], with q constant."""
    log_q, log_p = terms(p)
    return -(log_q.exp().detach() * log_p).sum()


def sleep(p):
    """-E_p[log q(h | x)] over all h and x, with p constant."""
    h, x = bits(2)[:, None], bits(2)[None]
    log_p = lp(THIRD, h) + lp(p.model.x_logits(h), x)
    return -(log_p.exp().detach() * lp(p.guide.h_logits(x), h)).sum()


def pairs(p, value):
    """The expectation of a function of K draws from q, with constant probabilities."""
    log_q, log_p = terms(p)
    total = torch.zeros((), dtype=torch.float64)
    for states in itertools.product(range(4), repeat=PARTICLES):
        index = list(states)
        chance = log_q[index].sum().exp().detach()
        total = total + chance * value(log_p[index], log_q[index])
    return total


def theta(p):
    """-E[log 1/K sum_k w_k]: its gradient in p is -E[sum_k v_k grad log p(x, h_k)]."""
    return pairs(
        p,
        lambda log_p, log_q: math.log(PARTICLES) - torch.logsumexp(log_p - log_q.detach(), 0),
    )


def phi(p):
    """-E[sum_k v_k log q(h_k | x)], with constant normalized weights v."""
    return pairs(
        p,
        lambda log_p, log_q: -((log_p - log_q).detach().softmax(0) * log_q).sum(),
    )


def both(p):
    return 0.5 * phi(p) + 0.5 * sleep(p)


RWS = f"{{rws: {{particles: {PARTICLES}, guide: GUIDE}}}}"
WEIGHTS, DREAM = "weights.detach()", "bernoulli.sample(noise, model_x_logits)"
UNWEIGHTED = (WEIGHTS, "(weights / weights).detach()")
CASES = {
    # The player, its exact loss, and changes of the generated code that make it wrong.
    "wake": ("wake_sleep", "wake", wake, [("guide.h_logits(x)", "0.0 * guide.h_logits(x)")]),
    "sleep": ("wake_sleep", "sleep", sleep, [(DREAM, "(model_x_logits > 0).double()")]),
    "theta": (RWS.replace("GUIDE", "wake"), "theta", theta, [("log_p_x - log_q_h", "log_p_x")]),
    "phi": (RWS.replace("GUIDE", "wake"), "phi", phi, [(WEIGHTS, "weights"), UNWEIGHTED]),
    "phi, dreams": (RWS.replace("GUIDE", "sleep"), "phi", sleep, []),
    "phi, both": (RWS.replace("GUIDE", "both"), "phi", both, [("0.5 * stop_w", "stop_w")]),
}


def trained(p, name):
    """The mask of the parameters of a player among all parameters."""
    (loss,) = (loss for loss in p.manifest.losses if loss.name == name)
    flags = [n.startswith(tuple(loss.parameters)) for n, _ in p.named_parameters()]
    pieces = zip(flags, p.parameters(), strict=True)
    return torch.cat([torch.full((v.numel(),), float(flag)) for flag, v in pieces])


def farthest(made, name, exact):
    """The largest |z| of the mean gradient in the parameters that the player trains."""
    mean, error, _ = sampled(made, {"x": X}, name=name)
    error = error.clamp(min=1e-10 + 1e-9 * exact.abs().max().item())
    return (((mean - exact) / error).abs() * trained(made, name)).max().item()


@pytest.mark.parametrize("case", CASES)
def test_the_mean_gradient_is_that_of_enumeration(case, tmp_path):
    objective, name, loss, wrong = CASES[case]
    draw = ", draw: detached" if case == "wake" else ""
    made = compiled(tmp_path, objective, draw=draw)
    exact = gradient(made, loss(made)) * trained(made, name)
    assert exact.any()
    assert farthest(made, name, exact) < Z
    for change in wrong:
        bad = compiled(tmp_path, objective, change, draw)
        assert farthest(bad, name, exact) > Z, f"{change} was not noticed"


def test_few_values_are_summed_out_in_the_wake_phase(tmp_path):
    """Every row has the exact gradient, not only the mean over rows."""
    made = compiled(tmp_path, "wake_sleep")
    exact = gradient(made, wake(made)) * trained(made, "wake")
    assert farthest(made, "wake", exact) < 1e-6


JOINT = """
model:
  xu: {joint: {x: observed, u: latent}, distribution: normal, loc: 0, scale: 1, shapes: {u: [3]}}
guide:
  u: {latent: normal, loc: up(x), scale: 0.5}
links: {up: linear}
objective: {minimize: "-log_prob(guide.u, at=model)"}
"""


def test_the_parts_of_a_joint_draw_are_drawn_together(tmp_path):
    """-E[log q(u | x)] of independent standard normal x and u, in closed form."""
    made = program(CIRCLE + JOINT, tmp_path)
    settle(made)
    found = computed(made, {"x": torch.zeros(40_000, 2, dtype=torch.float64)}, Noise.at(2)).loss
    weight, bias = made.guide.up.weight, made.guide.up.bias
    squares = 3 + (weight**2).sum() + (bias**2).sum()
    exact = 3 * math.log(0.5 * math.sqrt(2 * math.pi)) + squares / (2 * 0.5**2)
    # The standard deviation of half the sum of squares over 0.25 is below 40 here.
    assert abs(found - exact) < 4 * 40 / math.sqrt(40_000)
    fixed = 3 * math.log(0.5 * math.sqrt(2 * math.pi)) + (bias**2).sum() / (2 * 0.5**2)
    assert abs(found - fixed) > 4 * 40 / math.sqrt(40_000)


def test_a_joint_node_has_its_density_at_what_the_guide_draws(tmp_path):
    """At the data and the draws of the guide; `at=guide` is the default."""
    found = []
    for at in ("", ", at=guide"):
        loss = f'"-log_prob(model.xu{at}) + log_prob(guide.u)"'
        text = JOINT.replace('"-log_prob(guide.u, at=model)"', loss)
        made = program(CIRCLE + text.replace("distribution: normal, loc: 0", MEANS), tmp_path)
        settle(made)
        found.append(computed(made, {"x": X}, Noise.at(2, dtype=torch.float64)).loss)
    assert torch.equal(*found) and found[0].isfinite()


MEANS = "distribution: normal, loc: 0.5"
