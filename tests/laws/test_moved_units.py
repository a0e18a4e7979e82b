"""Laws of nodes of an energy that a chain moves: with a network, beside others, given values.

Chains start at exact samples of the model, which a step must leave alone. Means and covariances are
within `FAR` standard errors: a false alarm for one seed in 500,000.
"""

import itertools

import pytest
import torch

from specc.engine.step.loss_state import LossState
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.oracles.chains import FAR, Normal

ROWS = 20_000
HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}%s}}
model:
"""
NETWORK = (
    HEAD % ""
    + """  x: {observed: normal, draw: {%s}}
  energy: "f(x) + sum(x ** 2) / 2"
links: {f: {mlp: [4], activation: tanh}}
objective: {cd: {steps: 3, persistent: true, chains: 6}}
"""
)
MIXED = (
    HEAD % ""
    + """  w: {parameter: real, shape: [2, 3]}
  b: {parameter: real, shape: [3]}
  x: {observed: normal, draw: {%s}}
  h: {latent: bernoulli, shape: [3]}
  s: {let: 2 * h - 1}
  energy: "sum(x ** 2) / 2 - x @ w @ s - b @ h"
objective: {cd: {steps: 1}}
"""
)
GIVEN = (
    HEAD % ", c: {from: c, shape: [2]}"
    + """  c: {given: c}
  x: {observed: normal, draw: {%s}}
  centre: {let: f(c), shape: [2]}
  shifted: {let: x - centre}
  energy: "sum(shifted ** 2) / 2"
links: {f: linear}
objective: {cd: {steps: 2}}
"""
)
EXACT = ["mala: {step_size: 0.9}", "hmc: {step_size: 0.6, leapfrog: 3}"]
BIASED = "langevin: {step_size: 0.9}"


def noise(seed=0):
    return Noise.at(seed, 1, dtype=torch.float64)


def standard():
    return Normal(torch.ones(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))


def machine(chain, folder):
    """The mixed model with strong weights, and samples of x and h from p(h) p(x | h)."""
    model = program(MIXED % chain, folder).model
    with torch.no_grad():
        model.w.copy_(torch.tensor([[1.0, -0.7, 0.4], [0.3, 0.9, -1.1]]))
        model.b.copy_(torch.tensor([0.5, -0.3, 0.2]))
    h = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)
    means = (2 * h - 1) @ model.w.detach().mT
    weights = (h @ model.b.detach() + (means**2).sum(-1) / 2).softmax(0)
    which = noise(3).classes(weights[None], ROWS)[0]
    x = means[which] + noise(4).normal((ROWS, 2))
    return model, x, h[which], weights


def z_of_states(h, weights):
    """The largest standardized difference of the frequencies of the eight states of h."""
    codes = (h @ torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)).long()
    counts = torch.bincount(codes, minlength=8)
    error = (ROWS * weights * (1 - weights)).sqrt()
    return ((counts - ROWS * weights) / error).abs().max().item()


@pytest.mark.parametrize("chain", EXACT)
def test_binary_units_by_gibbs_beside_normal_ones_by_a_chain(chain, tmp_path):
    model, x, h, weights = machine(chain, tmp_path)
    assert z_of_states(h, weights) < FAR
    after = model.chain(noise(), x=x, steps=4)
    assert z_of_states(after["h"], weights) < FAR
    residual = after["x"] - (2 * after["h"] - 1) @ model.w.detach().mT
    assert standard().distance(residual) < FAR


def test_a_chain_without_a_metropolis_step_is_biased_beside_others(tmp_path):
    model, x, _, _ = machine(BIASED, tmp_path)
    after = model.chain(noise(), x=x, steps=4)
    residual = after["x"] - (2 * after["h"] - 1) @ model.w.detach().mT
    assert standard().distance(residual) > 2 * FAR


def test_a_chain_from_noise_finds_the_distribution(tmp_path):
    model, _, _, weights = machine(EXACT[0], tmp_path)
    found = model.sample(noise(), ROWS, steps=60)
    assert z_of_states(found["h"], weights) < FAR


@pytest.mark.parametrize("chain", EXACT)
def test_each_row_has_the_energy_of_its_given_value(chain, tmp_path):
    model = program(GIVEN % chain, tmp_path).model
    c = 3 * noise(1).normal((ROWS, 2))
    centre = model.centre(c).detach()
    after = model.chain(noise(), x=centre + noise(2).normal((ROWS, 2)), c=c, steps=3)["x"]
    assert standard().distance(after - centre) < FAR
    assert standard().distance(after - centre.flip(0)) > 2 * FAR


@pytest.mark.parametrize("chain", EXACT)
def test_a_network_is_sampled(chain, tmp_path):
    """Moments of a long chain agree with sums over a fine grid; those of a normal one do not."""
    model = program(NETWORK % chain, tmp_path).model
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(4)
    line = torch.linspace(-7, 7, 281, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    weights = (-model.energy(grid)).softmax(0).detach()
    x = model.sample(noise(), ROWS, steps=60)["x"]
    for f, known in ((lambda v: v, 0.0), (torch.square, 1.0), (torch.tanh, 0.0)):
        mean, error = f(x).mean(0), f(x).std(0) / ROWS**0.5
        assert ((mean - weights @ f(grid)).abs() < FAR * error).all()
        assert ((mean - known).abs() > FAR * error).any()


def test_the_loss_is_the_difference_of_energies_and_keeps_the_chains(tmp_path):
    made = program(NETWORK % BIASED, tmp_path)
    (loss,) = made.manifest.losses
    state = LossState([loss], torch.float64, torch.device("cpu")).of_piece("loss", 0)
    data = noise(5).normal((4, 2))
    value, after, parts = made.loss("loss", state, {"x": data}, noise(6), {})
    chains = made.model.chain(noise(6), x=state["x"], steps=3)["x"]
    torch.testing.assert_close(after["x"], chains)
    wanted = made.model.energy(data).mean() - made.model.energy(chains).mean()
    torch.testing.assert_close(value, wanted)
    assert set(parts) == {"E(x)", "E(model.x)"}
    assert not after["x"].requires_grad


def test_persistent_chains_start_at_noise_of_the_seed(tmp_path):
    (loss,) = program(NETWORK % BIASED, tmp_path).manifest.losses
    first, same, other = (
        LossState([loss], torch.float64, torch.device("cpu"), seed=seed).named()["loss/x"]
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert (first != other).all()
    assert first.shape == (6, 2)
