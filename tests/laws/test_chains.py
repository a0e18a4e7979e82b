"""Laws of Markov chains of energies: exact kernels, stationary distributions and gradients.

The kernels are enumerated from the conditionals of the generated code, and the distribution that
they must leave alone from the energy by definition. Of sampled frequencies the chi-square statistic
is below its quantile of 1 - 1e-5: a false alarm for one seed in 100,000.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from specc.engine.step.loss_state import LossState
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.laws.compiling import NUMBERS, generated
from tests.laws.energizing import Oracle, Unit, log_prob, states
from tests.laws.estimating import Z, gradient, settle

LEVEL = 1e-5
CHAINS, CHUNKS = 2000, 50

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {v: {from: v, shape: %s}%s}}
model:
"""
MACHINE = (
    HEAD % ("[3]", "")
    + """  w: {parameter: real, shape: [3, 2]}
  a: {parameter: real, shape: [3]}
  b: {parameter: real, shape: [2]}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [2]}
  energy: "-(v @ w @ h) - a @ v - b @ h"
objective: {cd: %s}
"""
)
LAYERS = (
    HEAD % ("[2]", ", u: {from: u, shape: [2]}")
    + """  w: {parameter: real, shape: [2, 2]}
  c: {parameter: real, shape: [2, 2]}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [2]}
  u: {observed: bernoulli}
  s: {let: 2 * h - 1}
  energy: "-(v @ w @ s) - s @ c @ u + sum(v)"
objective: {cd: {steps: 1}}
"""
)
RING = (
    HEAD % ("[2]", ", q: {from: q, shape: []}")
    + """  w: {parameter: real, shape: [2, 3]}
  a: {parameter: real, shape: [2]}
  v: {observed: bernoulli}
  q: {observed: bernoulli}
  h: {latent: one_hot_categorical, shape: [3]}
  energy: "-(v @ w @ h) - q * (a @ v) - q * sum(v @ w * h)"
objective: {cd: {steps: 1}}
"""
)
GAUSSIAN = MACHINE.replace("v: {observed: bernoulli}", "v: {observed: normal}").replace(
    "- a @ v", "+ sum((v - a) ** 2) / 2"
)
V, H = Unit("v", "bernoulli", (3,)), Unit("h", "bernoulli", (2,), "latent")
MACHINES = {
    "two layers": (MACHINE % "{steps: 1}", [V, H]),
    "three layers": (
        LAYERS,
        [Unit("v", "bernoulli", (2,)), H, Unit("u", "bernoulli", (2,))],
    ),
    "three that meet": (
        RING,
        [
            Unit("v", "bernoulli", (2,)),
            Unit("q", "bernoulli", ()),
            Unit("h", "one_hot_categorical", (3,), "latent"),
        ],
    ),
}


def made(text, folder, *changes, seed=3):
    """The program of a spec with random parameters; `changes` replace parts of its files."""
    files = generated(text)
    for name, old, new in changes:
        assert files[name].count(old) == 1, files[name]
        files[name] = files[name].replace(old, new)
    place = folder / f"program{next(NUMBERS)}"
    place.mkdir()
    for name, content in files.items():
        (place / name).write_text(content, encoding="utf-8")
    program = load(place).double()
    settle(program, seed)
    return program


class Energies:
    """What the oracle needs of a spec that is written out."""

    def __init__(self, text, units):
        self.units = units
        self.energy = text.split('energy: "')[1].split('"')[0]
        self.lets = {"s": "2 * h - 1"} if "let:" in text else {}


class Machine:
    """All states of a small machine, their probabilities, and the kernels of its blocks."""

    def __init__(self, name, folder):
        text, self.units = MACHINES[name]
        self.program = made(text, folder)
        self.declared = self.program.manifest.energy
        model = self.program.model
        parameters = {n: p.detach().numpy() for n, p in model.named_parameters() if "." not in n}
        self.states = [
            {u.name: x for u, x in zip(self.units, chosen, strict=True)}
            for chosen in itertools.product(*(states(u) for u in self.units))
        ]
        oracle = Oracle(Energies(text, self.units), parameters)
        logs = np.array([-oracle.energy(state) for state in self.states])
        self.pi = np.exp(logs - special.logsumexp(logs))
        self.batch = {
            u.name: torch.tensor(np.stack([state[u.name] for state in self.states]))
            for u in self.units
        }

    def of_unit(self, unit):
        """p(value of the unit in state j | the others in state i), for all pairs."""
        known = self.declared.units[unit.name]
        given = (self.batch[n] for n in known.given)
        logits = getattr(self.program.model, known.method)(*given).detach().numpy()
        name = known.parameters[0]
        return np.exp(
            [
                [log_prob(unit, {name: row}, state[unit.name]) for state in self.states]
                for row in logits
            ]
        )

    def kernel(self, block):
        """The probabilities of a step that draws the units of a block given all others."""
        found = np.ones((len(self.states), len(self.states)))
        for unit in self.units:
            if unit.name in block:
                found *= self.of_unit(unit)
            else:
                found *= [
                    [np.array_equal(a[unit.name], b[unit.name]) for b in self.states]
                    for a in self.states
                ]
        return found

    def step(self):
        """The probabilities of one step of block Gibbs sampling."""
        found = np.eye(len(self.states))
        for block in self.declared.blocks:
            found = found @ self.kernel(block)
        return found

    def places(self, drawn):
        """The number of the state of each row."""
        index = {
            tuple(np.concatenate([s[u.name].ravel() for u in self.units])): i
            for i, s in enumerate(self.states)
        }
        rows = [drawn[u.name].reshape(len(drawn[u.name]), -1) for u in self.units]
        return np.array([index[tuple(row)] for row in torch.cat(rows, 1).numpy()])

    def run(self, start, rows, steps, seed=1):
        """The states of chains from one state after some steps of the generated code."""
        inputs = self.program.capabilities["model.gibbs"]
        begin = {n: self.batch[n][start].expand(rows, *self.batch[n].shape[1:]) for n in inputs}
        noise = Noise.at(seed, 0, dtype=torch.float64)
        return self.places(self.program.model.gibbs(noise, **begin, steps=steps))


@pytest.fixture(scope="module", params=MACHINES)
def machine(request, tmp_path_factory):
    return Machine(request.param, tmp_path_factory.mktemp("machine"))


def is_far(counts, probabilities):
    """Whether the chi-square statistic is above its quantile; rare states count together."""
    expected = probabilities * counts.sum()
    rare = expected < 5
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    counts, expected = counts[expected > 0], expected[expected > 0]
    statistic = ((counts - expected) ** 2 / expected).sum()
    return statistic > stats.chi2.isf(LEVEL, len(expected) - 1)


def test_each_block_is_in_detailed_balance(machine):
    for block in machine.declared.blocks:
        flow = machine.pi[:, None] * machine.kernel(block)
        np.testing.assert_allclose(flow.sum(1), machine.pi, atol=1e-12)
        np.testing.assert_allclose(flow, flow.T, atol=1e-12)


def test_a_step_leaves_the_distribution_alone(machine):
    np.testing.assert_allclose(machine.pi @ machine.step(), machine.pi, atol=1e-12)


def test_drawing_all_units_at_once_does_not(machine):
    together = math.prod(machine.of_unit(unit) for unit in machine.units)
    assert np.abs(machine.pi @ together - machine.pi).max() > 1e-3


def test_a_step_of_the_generated_code_is_that_kernel(machine):
    for start in (0, len(machine.states) - 1):
        found = np.bincount(machine.run(start, 20_000, 1), minlength=len(machine.states))
        assert not is_far(found, machine.step()[start])
        assert is_far(found, machine.pi)


def test_long_chains_have_the_distribution_of_the_energy(machine):
    found = np.bincount(machine.run(0, 20_000, 60), minlength=len(machine.states))
    assert np.abs(np.linalg.matrix_power(machine.step(), 60)[0] - machine.pi).max() < 1e-6
    assert not is_far(found, machine.pi)
    assert is_far(found, machine.pi[::-1])


# gradients

DATA = torch.tensor([[1, 0, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]], dtype=torch.float64)
EVERY = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)), dtype=torch.float64)


def strong(text, folder, *changes):
    """A program whose units depend on each other so much that short chains are biased."""
    program = made(text, folder, *changes, seed=5)
    with torch.no_grad():
        for value in program.parameters():
            value.mul_(2)
    return program


def exact(program):
    """The gradient of the mean of -log p(v) over the data, with Z as a sum."""
    model = program.model
    log_z = torch.logsumexp(-model.free_energy(EVERY), 0)
    return gradient(program, model.free_energy(DATA).mean() + log_z)


def by_state(program, method):
    """The gradient of the free energy of each state of the data."""
    return torch.stack([gradient(program, method(v)) for v in EVERY])


def visible_kernel(program):
    """The probabilities of v after one step from each v, summed over h."""
    model = program.model
    hidden = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)), dtype=torch.float64)

    def log_p(logits, values):
        return torch.stack(
            [torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(-1) for x in values], -1
        )

    down = log_p(model.v_given_h(hidden), EVERY).exp()
    return (log_p(model.h_given_v(EVERY), hidden).exp() @ down).detach()


def after(program, steps):
    """The mean over the data of the distribution of v after some steps."""
    start = torch.stack([(v == EVERY).all(-1).double() for v in DATA]).mean(0)
    return start @ torch.linalg.matrix_power(visible_kernel(program), steps)


def expected(program, steps):
    """The exact expectation of the gradient of contrastive divergence."""
    slopes = by_state(program, program.model.free_energy)
    return (
        gradient(program, program.model.free_energy(DATA).mean()) - after(program, steps) @ slopes
    )


def loss(program, state, noise, rows=DATA):
    return program.loss("loss", state, {"v": rows}, noise, {})


def test_the_mean_over_the_model_gives_the_gradient_of_the_likelihood(tmp_path):
    program = strong(MACHINE % "{steps: 1}", tmp_path)
    weights = torch.softmax(-program.model.free_energy(EVERY), 0).detach()
    phases = gradient(program, program.model.free_energy(DATA).mean())
    phases = phases - weights @ by_state(program, program.model.free_energy)
    torch.testing.assert_close(phases, exact(program), rtol=1e-10, atol=1e-10)


def test_the_loss_gives_it_where_its_chain_is_all_states(tmp_path, monkeypatch):
    program = strong(MACHINE % "{steps: 1}", tmp_path)
    weights = torch.softmax(-program.model.free_energy(EVERY), 0).detach()
    total = 0
    for weight, v in zip(weights, EVERY, strict=True):
        chain = {"v": v.expand(4, 3), "h": torch.zeros(4, 2, dtype=torch.float64)}
        monkeypatch.setattr(program.model, "gibbs", lambda *_, chain=chain, **__: chain)
        total = total + weight * gradient(program, loss(program, {}, None)[0])
    torch.testing.assert_close(total, exact(program), rtol=1e-10, atol=1e-10)


def test_the_bias_falls_with_the_number_of_steps(tmp_path):
    program = strong(MACHINE % "{steps: 1}", tmp_path)
    biases = [(expected(program, k) - exact(program)).norm().item() for k in (1, 2, 3, 4, 8)]
    assert all(later < 0.8 * sooner for sooner, later in itertools.pairwise(biases))
    assert biases[0] > 0.1
    assert biases[-1] < 1e-5


def sampled(program, steps=1):
    """The mean gradient over CHUNKS times CHAINS chains, and its standard error.

    Persistent chains take `steps` steps of the loss before the gradient is that of the last one.
    """
    (declared,) = program.manifest.losses
    rows, found = DATA.repeat(CHAINS // len(DATA), 1), []
    for chunk in range(CHUNKS):
        state = LossState([declared], torch.float64, torch.device("cpu")).tensors["loss"]
        for number in range(steps):
            result = loss(program, state, Noise.at(chunk, number, dtype=torch.float64), rows)
            state = result[1] if isinstance(result[1], dict) and declared.state else state
        found.append(gradient(program, result[0]))
    stacked = torch.stack(found)
    return stacked.mean(0), stacked.std(0) / CHUNKS**0.5


def is_off(program, wanted, steps=1):
    """Whether a coordinate is 4.5 standard errors off: 11 of them, one seed in 2,000."""
    mean, error = sampled(program, steps)
    return ((mean - wanted).abs() > Z * error.clamp(min=1e-10)).any().item()


@pytest.mark.parametrize("steps", [1, 3])
def test_chains_from_the_data_have_the_expected_gradient(steps, tmp_path):
    program = strong(MACHINE % f"{{steps: {steps}}}", tmp_path)
    assert not is_off(program, expected(program, steps))
    if steps == 1:
        assert is_off(program, expected(program, 3))


SWAP = (
    "objective.py",
    "loss = positive_phase - negative_phase",
    "loss = negative_phase - positive_phase",
)
PERSISTENT = MACHINE % f"{{persistent: true, chains: {CHAINS}}}"


def test_persistent_chains_reach_the_gradient_of_the_likelihood(tmp_path):
    program = strong(PERSISTENT, tmp_path)
    assert not is_off(program, exact(program), steps=15)
    assert is_off(program, exact(program), steps=1)
    assert is_off(strong(PERSISTENT, tmp_path, SWAP), exact(program), steps=15)


def test_no_gradient_passes_through_a_chain(tmp_path):
    """A Gaussian unit has a draw through which gradients would pass."""

    def both(*changes):
        program = made(GAUSSIAN % "{steps: 2}", tmp_path, *changes)
        rows = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        found = gradient(program, loss(program, {}, Noise.at(1, 0, dtype=torch.float64), rows)[0])
        chain = program.model.gibbs(Noise.at(1, 0, dtype=torch.float64), v=rows, steps=2)
        phases = program.model.free_energy(rows) - program.model.free_energy(chain["v"].detach())
        return found, gradient(program, phases.mean())

    torch.testing.assert_close(*both(), rtol=1e-12, atol=1e-12)
    draws = "model.py", "normal.sample(", "normal.rsample("
    torch.testing.assert_close(*both(draws), rtol=1e-12, atol=1e-12)
    found, wanted = both(draws, ("model.py", "    @torch.no_grad()\n", ""))
    assert (found - wanted).abs().max() > 1e-3
