"""An energy of latent nodes above a directed net, against enumeration of all bits.

The joint density, samples, the gradients of the three phases of wake-sleep, and the bound on the
density of the data. Energies and densities are written out with torch.distributions. Each gradient
has 200,000 seeded samples in float64, and a false alarm for one seed in 1,500; wrong variants of
the generated code fail the same tests.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import Z, gradient, settle
from tests.laws.test_chains import is_far
from tests.laws.test_gradients import X, bits, lp
from tests.laws.test_wake_sleep import farthest, trained

SPEC = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  w: {parameter: real, shape: [3, 2]}
  b: {parameter: real, shape: [3]}
  c: {parameter: real, shape: [2]}
  h: {latent: bernoulli, shape: [3]}
  g: {latent: bernoulli, shape: [2]}
  energy: "-(h @ w @ g) - b @ h - c @ g"
  x: {observed: bernoulli, logits: down(h)}
guide:
  h: {latent: bernoulli, logits: up(x), draw: detached}
links: {down: linear, up: linear}
objective:
  players:
    wake: {minimize: -log_prob(model.x), links: [down]}
    top: {minimize: cd(model), chain: {steps: 2}, links: [b, c, w]}
    sleep: {minimize: "-log_prob(guide.h, at=model)", chain: {steps: 2}, links: [up]}
"""
H, G, EVERY = bits(3), bits(2), bits(2)


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def made(folder, change=None, text=SPEC):
    found = program(text, folder, change)
    settle(found)
    return found


def energy(p, h, g):
    m = p.model
    return -((h @ m.w) * g).sum(-1) - h @ m.b - g @ m.c


def log_top(p):
    """log p(h, g) for all values: [8, 4]."""
    logs = -energy(p, H[:, None], G[None])
    return logs - logs.logsumexp((0, 1))


def log_x(p, x):
    """log p(x) of rows: [rows]."""
    log_h = log_top(p).logsumexp(1)
    return (log_h[:, None] + lp(p.model.x_logits(H)[:, None], x[None])).logsumexp(0)


def kernel(p):
    """The probabilities of h after a step of block Gibbs sampling from each h: [8, 8]."""
    logs = -energy(p, H[:, None], G[None])
    return (logs - logs.logsumexp(1, keepdim=True)).exp() @ (logs - logs.logsumexp(0)).exp().T


# the density


def test_the_joint_density_is_that_of_the_energy_and_of_the_net(tmp_path):
    p = made(tmp_path)
    for x in EVERY:
        found = p.model.unnormalized_log_joint(h=H, x=x.expand(8, 2))
        log_z = (-energy(p, H[:, None], G[None])).logsumexp((0, 1))
        wanted = log_top(p).logsumexp(1) + lp(p.model.x_logits(H), x)
        torch.testing.assert_close(found - log_z, wanted, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_x(p, EVERY).exp().sum(), torch.tensor(1.0).double())


def test_a_guide_of_all_units_has_the_energy_itself(tmp_path):
    both = SPEC.replace(
        "draw: detached}", "draw: detached}\n  g: {latent: bernoulli, logits: h2(h)}"
    )
    both = both.replace("up: linear}", "up: linear, h2: linear}").replace("[up]", "[up, h2]")
    both = both.replace('at=model)"', 'at=model) - log_prob(guide.g, at=model)"')
    p = made(tmp_path, text=both)
    h, g = (v.reshape(-1, v.shape[-1]) for v in (H[:, None].expand(8, 4, 3), G.expand(8, 4, 2)))
    found = p.model.unnormalized_log_joint(g=g, h=h, x=X.expand(32, 2))
    wanted = -energy(p, h, g) + lp(p.model.x_logits(h), X)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [60, 1])
def test_samples_are_those_of_the_energy_and_of_the_net(tmp_path, steps):
    """A chain of one step from zeros is not long enough: the same test notices it."""
    p = made(tmp_path)
    drawn = p.model.sample(Noise.at(1, dtype=torch.float64), 20_000, steps=steps)
    values = torch.cat([drawn[name] for name in ("h", "g", "x")], 1).numpy()
    places = values @ 2 ** np.arange(6, -1, -1)
    found = np.bincount(places.astype(int), minlength=128)
    log_p = log_top(p)[:, :, None] + lp(p.model.x_logits(H)[:, None], EVERY[None])[:, None]
    assert is_far(found, log_p.exp().detach().numpy().ravel()) == (steps == 1)


# the phases


def test_the_short_name_is_the_three_phases():
    """Of the generated code all but the lines with digests and places of the spec is the same."""
    short = SPEC.partition("objective:")[0] + "objective: {wake_sleep: {steps: 2}}\n"
    one, other = generated(SPEC)["objective.py"], generated(short)["objective.py"]
    assert one.splitlines()[2:] == other.splitlines()[2:]
    longer = short.replace("steps: 2", "steps: 2, persistent: true")
    assert one.splitlines()[2:] != generated(longer)["objective.py"].splitlines()[2:]


def log_q(p):
    return lp(p.guide.h_logits(X), H)


def wake(p):
    """-E_q[log p(x | h)], with q constant."""
    return -(log_q(p).exp().detach() * lp(p.model.x_logits(H), X)).sum()


def top(p):
    """E_q[F(h)] - E[F(h')], with h' after two steps from draws of q; both are constant."""
    free = -(-energy(p, H[:, None], G[None])).logsumexp(1)
    start = log_q(p).exp().detach()
    end = start @ torch.linalg.matrix_power(kernel(p).detach(), 2)
    return ((start - end) * free).sum()


def sleep(p):
    """-E[log q(h' | x')], with h' as above and x' from p(x | h'), both constant."""
    end = log_q(p).exp() @ torch.linalg.matrix_power(kernel(p), 2)
    chances = (end[:, None] * lp(p.model.x_logits(H)[:, None], EVERY[None]).exp()).detach()
    return -(chances * lp(p.guide.h_logits(EVERY)[None], H[:, None])).sum()


START = "model.gibbs(noise, h=h, steps=2)"
CASES = {
    "wake": (wake, [("guide.h_logits(x)", "0.0 * guide.h_logits(x)")]),
    "top": (
        top,
        [(START, "model.gibbs(noise, h=1 - h, steps=1)"), ("h_logits(x)", "h_logits(1 - x)")],
    ),
    "sleep": (sleep, [("h_logits(model_x)", "h_logits(x)"), (START, "dict(h=h)")]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_mean_gradient_of_a_phase_is_that_of_enumeration(name, tmp_path):
    loss, wrong = CASES[name]
    right = made(tmp_path)
    exact = gradient(right, loss(right)) * trained(right, name)
    assert exact.any()
    assert farthest(right, name, exact) < Z
    for change in wrong:
        assert farthest(made(tmp_path, change), name, exact) > Z, f"{change} was not noticed"


def test_the_phases_have_the_gradient_of_the_bound_for_long_chains(tmp_path):
    """wake + top with the whole model in the negative phase: minus that of E_q[log p(x, h)]."""
    p = made(tmp_path)
    free = -(-energy(p, H[:, None], G[None])).logsumexp(1)
    start, end = log_q(p).exp().detach(), log_top(p).logsumexp(1).exp().detach()
    own = gradient(p, wake(p) + ((start - end) * free).sum())
    joint = log_top(p).logsumexp(1) + lp(p.model.x_logits(H), X)
    bound = gradient(p, -(start * joint).sum())
    torch.testing.assert_close(own, bound, rtol=0, atol=1e-12)


# the bound


def test_the_bound_is_below_the_density_and_reaches_it(tmp_path):
    """The mean of log w, and the log of the mean of w, over all values of the guide."""
    p = made(tmp_path)
    log_z = (-energy(p, H[:, None], G[None])).logsumexp((0, 1))
    for x in EVERY:
        log_w = p.model.unnormalized_log_joint(h=H, x=x.expand(8, 2)) - log_z
        q = lp(p.guide.h_logits(x), H)
        elbo = (q.exp() * (log_w - q)).sum()
        exact = log_x(p, x[None])[0]
        assert elbo < exact - 1e-3
        # Two draws: a bound between both.
        pairs = itertools.product(range(8), repeat=2)
        two = sum(
            (q[i] + q[j]).exp() * (torch.logaddexp(log_w[i] - q[i], log_w[j] - q[j]) - np.log(2))
            for i, j in pairs
        )
        assert elbo < two < exact
        torch.testing.assert_close((q + log_w - q).logsumexp(0), exact, rtol=0, atol=1e-12)
