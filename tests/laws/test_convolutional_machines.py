"""Convolutional machines: conditionals, free energies and log Z against sums over all states.

The reference computes the maps by correlation in scipy, and knows the units of a block as the five
states of which at most one unit is on (Lee, Grosse, Ranganath and Ng 2009, section 3.3).
"""

import itertools

import numpy as np
import pytest
import torch
from scipy import signal, special

from specc.evaluate.energies.log_z import Annealing, annealed_log_z, exact_log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import neutral_base
from tests.laws.compiling import program

HEAD = """specc: 1
name: machine
data: {source: npz, path: d.npz, fields: {v: {from: v, shape: [1, 3, 3], binarize: threshold}}}
model:
  c: {parameter: real}
  v: {observed: bernoulli}
"""
TAIL = """links: {filters: {convolution: 2}}
objective: {cd: {steps: 1}}
"""
PLAIN = (
    HEAD
    + """  h: {latent: bernoulli, shape: [2, 2, 2]}
  energy: "-sum(h * filters(v)) - c * sum(v)"
"""
    + TAIL
)
POOLED = (
    HEAD
    + """  h: {latent: one_hot_categorical, shape: [2, 1, 1, 5]}
  maps: {let: filters(v), shape: [2, 2, 2]}
  energy: "-sum(h * append_zero(blocks(maps, 2))) - c * sum(v)"
"""
    + TAIL
)
PIXELS = np.array(list(itertools.product([0.0, 1.0], repeat=9))).reshape(-1, 3, 3)


class Machine:
    """A machine with random parameters, all its states, and the log weights of them by scipy."""

    def __init__(self, text, folder):
        self.pooled = text is POOLED
        self.program = program(text, folder)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for value in self.program.parameters():
                value.copy_(torch.randn(value.shape, generator=generator, dtype=torch.float64))
        self.model = self.program.model
        self.v = torch.tensor(PIXELS).unsqueeze(1)
        self.on, self.h = _pooled() if self.pooled else _plain()
        weight, bias, c = (
            self.model.filters.module.weight.detach().numpy(),
            self.model.filters.module.bias.detach().numpy(),
            self.model.c.item(),
        )
        maps = np.stack(
            [
                [
                    signal.correlate2d(x, w[0], "valid") + b
                    for w, b in zip(weight, bias, strict=True)
                ]
                for x in PIXELS
            ]
        )
        weights = np.einsum("vkij,hkij->vh", maps, self.on)
        self.log_weights = weights + c * PIXELS.sum((1, 2))[:, None]

    def conditional(self, name):
        """log p of every state of a unit given every state of the other: [512, states of h]."""
        axis = 1 if name == "h" else 0
        return self.log_weights - special.logsumexp(self.log_weights, axis, keepdims=True)

    def found(self, name):
        """The same by the method of the generated code."""
        if name == "v":
            logits = self.model.v_given_h(self.h).unsqueeze(0)
            value = self.v.unsqueeze(1)
            logs = value * logits - torch.nn.functional.softplus(logits)
            return logs.flatten(2).sum(-1).detach().numpy()
        logits = self.model.h_given_v(self.v).unsqueeze(1)
        value = self.h.unsqueeze(0)
        if self.pooled:
            logs = value * logits.log_softmax(-1)
        else:
            logs = value * logits - torch.nn.functional.softplus(logits)
        return logs.flatten(2).sum(-1).detach().numpy()


def _plain():
    every = np.array(list(itertools.product([0.0, 1.0], repeat=8))).reshape(-1, 2, 2, 2)
    return every, torch.tensor(every)


def _pooled():
    """The maps of units that are on, and the one-hot states with "off" as the last one."""
    on, states = [], []
    for chosen in itertools.product(range(5), repeat=2):
        state = np.eye(5)[list(chosen)]
        states.append(state.reshape(2, 1, 1, 5))
        on.append(state[:, :4].reshape(2, 2, 2))
    return np.array(on), torch.tensor(np.array(states))


@pytest.fixture(params=[PLAIN, POOLED], ids=["plain", "pooled"])
def machine(request, tmp_path):
    return Machine(request.param, tmp_path)


def error(found, wanted):
    return np.max(np.abs(found - wanted) / (1 + np.abs(wanted)))


@pytest.mark.parametrize("name", ["v", "h"])
def test_the_conditionals_are_normalized_weights(machine, name):
    assert error(machine.found(name), machine.conditional(name)) < 1e-10


def test_the_free_energy_is_a_sum(machine):
    found = machine.model.free_energy(machine.v).detach().numpy()
    wanted = -special.logsumexp(machine.log_weights, 1)
    assert error(found, wanted) < 1e-10
    without_off = -special.logsumexp(machine.log_weights[:, :-1], 1)
    assert error(found, without_off) > 1e-3


def energy_model(machine):
    return EnergyModel.of(machine.model, machine.program.manifest.energy)


def test_log_z_by_enumeration(machine):
    wanted = special.logsumexp(machine.log_weights)
    assert exact_log_z(energy_model(machine)).value == pytest.approx(wanted, abs=1e-9)


def test_log_z_by_annealing(machine):
    """Both directions within 4.5 standard errors: a false alarm in 70,000; 0.5 nats are found."""
    wanted, model = special.logsumexp(machine.log_weights), energy_model(machine)
    options = Annealing(chains=300, temperatures=100, direction="both")
    found = annealed_log_z(model, neutral_base(model), options)
    for way in (found.forward, found.backward):
        assert abs(way.value - wanted) < 4.5 * way.standard_error
        assert abs(way.value - wanted - 0.5) > 4.5 * way.standard_error
