"""Linear state spaces that switch between modes, against sums over all sequences of modes.

Given the modes the data are jointly normal, as a vector that is built without a filter. Either a
guide draws the modes, and the states are integrated out given them; or it draws the states, and the
modes are summed out given these (Rao-Blackwellization; Doucet et al. 2000).
"""

import itertools

import pytest
import torch
from torch.distributions import Categorical, MultivariateNormal

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws import estimating
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient, settle, worst
from tests.losses import computed
from tests.oracles.interpreter import Interpreter

STEPS = 4
MODEL = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [4, 2]}}}
plates: {t: {scan: 4}}
model:
  moves: {parameter: real, shape: [3, 2]}
  turn: {parameter: real, shape: [2, 2, 2]}
  push: {parameter: real, shape: [2, 2]}
  drift: {parameter: positive, shape: [2, 2]}
  s: {latent: categorical, logits: "moves[s[t-1]]", initial: 2, classes: 2, plate: t}
  z:
    latent: normal
    loc: turn[s] @ z[t-1] + push[s]
    scale: drift[s]
    initial: 0.3
    shape: [2]
    plate: t
  x: {observed: normal, loc: emit(z), scale: 0.8, plate: t}
guide:
  h: {let: "tanh(g0(h[t+1], x))", initial: 0, shape: [2], plate: t, reverse: true}
"""
TAIL = """links: {emit: linear, g0: linear, g1: linear}
objective: {elbo: {particles: 2}}
"""
GUIDED_MODES = (
    MODEL.replace("    shape: [2]\n", "    shape: [2]\n    draw: integrate\n")
    + '  s: {latent: categorical, logits: "g1(s[t-1], h)"}\n'
    + TAIL
)
GUIDED_STATES = (
    MODEL.replace("classes: 2, plate: t", "classes: 2, plate: t, draw: enumerate")
    + '  z: {latent: normal, params: "g1(z[t-1], h)"}\n'
    + TAIL
)
PATHS = torch.tensor(list(itertools.product(range(2), repeat=STEPS)))


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def data():
    return torch.randn((1, STEPS, 2), generator=torch.Generator().manual_seed(1))


def log_modes(model, path):
    """log p(s) of a sequence of modes."""
    before = torch.cat([torch.tensor([2]), path[:-1]])
    return Categorical(logits=model.moves[before]).log_prob(path).sum()


def given_modes(model, x, path):
    """log p(x | s): all states and data are affine in independent standard normal numbers."""
    mean, root = torch.full((2,), 0.3), torch.zeros(2, 2 * STEPS)
    means, roots = [], []
    for t, s in enumerate(path.tolist()):
        mean, root = model.turn[s] @ mean + model.push[s], model.turn[s] @ root
        noise = torch.zeros(2, 2 * STEPS)
        noise[:, 2 * t : 2 * t + 2] = 1.0
        root = root + torch.eye(2).repeat(1, STEPS) * noise * model.drift[s][:, None]
        means.append(model.emit.weight @ mean + model.emit.bias)
        roots.append(model.emit.weight @ root)
    whole = torch.cat(roots)
    covariance = whole @ whole.mT + 0.64 * torch.eye(2 * STEPS)
    return MultivariateNormal(torch.cat(means), covariance).log_prob(x.flatten())


def test_states_are_integrated_out_given_modes_that_a_guide_draws(tmp_path, monkeypatch):
    """The mean gradient of 20,000 draws is that of the sum over 16 sequences of modes.

    A coordinate deviates by more than 4.5 standard errors for one seed in 400.
    """
    monkeypatch.setattr(estimating, "ROWS", 1000)
    monkeypatch.setattr(estimating, "CHUNKS", 20)
    made, x = program(GUIDED_MODES, tmp_path), data()
    settle(made)
    every = [log_modes(made.model, path) + given_modes(made.model, x[0], path) for path in PATHS]
    known = torch.stack(every)
    torch.testing.assert_close(made.model.log_joint(s=PATHS, x=x.expand(16, -1, -1)), known)
    oracle = Interpreter(front(Source("made.yaml", GUIDED_MODES)), made)
    log_q = torch.stack([oracle.log_joint("guide", {"x": x[0], "s": path}) for path in PATHS])
    torch.testing.assert_close(log_q.exp().sum(), torch.tensor(1.0))
    wanted = gradient(made, -(log_q.exp() * (known - log_q)).sum())
    assert worst(made, {"x": x}, wanted) < Z
    deaf = program(GUIDED_MODES, tmp_path, ("signal_s = ", "signal_s = 0.0 * "))
    settle(deaf)
    assert worst(deaf, {"x": x}, wanted) > Z


def test_modes_are_summed_out_given_states_that_a_guide_draws(tmp_path):
    """The loss of draws of the states, and its gradient, are those with all paths of modes."""
    made, x = program(GUIDED_STATES, tmp_path), data()
    settle(made)
    with torch.no_grad():  # each scale depends on the state before, whose tails are long
        for value in made.guide.parameters():
            value.mul_(0.3)
    model = made.model

    def log_joint(z, *, back=False):
        """log p(x, z) of one path of states; with `back` modes follow each other in reverse."""
        before = torch.cat([torch.full((1, 2), 0.3), z[:-1]])
        each = []
        for path in PATHS:
            loc = (model.turn[path] @ before[..., None])[..., 0] + model.push[path]
            log_p = torch.distributions.Normal(loc, model.drift[path]).log_prob(z).sum()
            each.append(log_modes(model, path.flip(0) if back else path) + log_p)
        loc = z @ model.emit.weight.mT + model.emit.bias
        seen = torch.distributions.Normal(loc, 0.8).log_prob(x[0]).sum()
        return torch.stack(each).logsumexp(0) + seen

    drawn, log_q = made.guide.sample_and_log_prob(Noise.at(0, dtype=torch.float64), 2, x=x)
    exact = torch.stack([log_joint(z[0]) for z in drawn["z"]])
    torch.testing.assert_close(model.log_joint(z=drawn["z"], x=x).flatten(), exact)
    loss, *_ = computed(made, {"x": x}, Noise.at(0, dtype=torch.float64), 2)
    wanted = -(exact - log_q.flatten()).mean()
    torch.testing.assert_close(loss, wanted)
    slopes = gradient(made, loss)
    torch.testing.assert_close(slopes, gradient(made, wanted))
    wrong = torch.stack([log_joint(z[0], back=True) for z in drawn["z"]])
    assert (wrong - exact).abs().max() > 1e-2
