"""Probabilities of summed latents given the data, against enumeration in float64.

The oracle weighs every assignment of the latents by `log_joint` of the generated program, which
has no sum, and by densities of torch.distributions for what rows share. Probabilities by the prior
alone fail each case.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from specc.engine.storage.loaded_run import precision
from specc.runtime.draws import enumeration
from tests.laws.compiling import program
from tests.laws.estimating import settle

HEAD = "specc: 1\nname: tiny\n"
X = torch.tensor([0.3, -1.2, 2.1], dtype=torch.float64)
SERIES = torch.tensor([[0.3, -1.2, 2.1], [1.0, 0.2, -0.4]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def compiled(text, folder):
    made = program(HEAD + text, folder)
    settle(made)
    return made.model


def close(found, wanted):
    assert found.shape == wanted.shape
    return (found - wanted).abs().max() < 1e-12


OF_ROWS = """
model:
  m: {parameter: real, shape: [3]}
  w: {parameter: real, shape: [2]}
  y: {latent: categorical, logits: 0, classes: 3}
  b: {latent: bernoulli, logits: y - 1, shape: [2]}
  x: {observed: normal, loc: "m[y] + sum(w * b)", scale: 1}
objective: mle
"""


def test_a_class_and_bits_of_each_row(tmp_path):
    model = compiled(OF_ROWS, tmp_path)
    found = model.posterior_probs(x=X)
    y, b = torch.zeros(3, 3), torch.zeros(3, 2, 2)
    for own, *bits in itertools.product(range(3), (0.0, 1.0), (0.0, 1.0)):
        given = {"y": torch.full((3,), own), "b": torch.tensor(bits).expand(3, 2)}
        p = (model.log_joint(x=X, **given) - model.log_prob(x=X)).exp().detach()
        y[:, own] += p
        for entry, bit in enumerate(bits):
            b[:, entry, int(bit)] += p
    assert close(found["y"], y)
    assert close(found["b"], b)
    assert not close(found["y"], torch.full((3, 3), 1 / 3))


SEQUENCE = """
data: {source: npz, path: d.npz, fields: {x: {from: x}, n: {from: n}}}
plates: {t: {scan: 3, lengths: n}}
model:
  n: {given: n}
  start: {parameter: real, shape: [2]}
  move: {parameter: real, shape: [2, 2]}
  m: {parameter: real, shape: [2]}
  z: {latent: categorical, logits: "move[z[t-1]]", classes: 2, initial: 0, plate: t}
  x: {observed: normal, loc: "m[z]", scale: 1, plate: t}
objective: mle
"""


def test_the_states_of_a_sequence(tmp_path):
    model = compiled(SEQUENCE.replace("  start: {parameter: real, shape: [2]}\n", ""), tmp_path)
    data = {"x": SERIES, "n": torch.tensor([3, 2])}
    found = model.posterior_probs(**data)["z"]
    wanted = torch.zeros(2, 3, 2)
    for states in itertools.product(range(2), repeat=3):
        z = torch.tensor(states).expand(2, 3)
        p = (model.log_joint(z=z, **data) - model.log_prob(**data)).exp().detach()
        for step, state in enumerate(states):
            wanted[:, step, state] += p
    assert close(found[0], wanted[0])
    # The second row has two steps; assignments of the padding are one and the same.
    two = torch.zeros(2, 2)
    for states in itertools.product(range(2), repeat=2):
        z = torch.tensor([*states, 0]).expand(2, 3)
        p = (model.log_joint(z=z, **data) - model.log_prob(**data)).exp().detach()[1]
        for step, state in enumerate(states):
            two[step, state] += p
    assert close(found[1, :2], two)
    assert (found[1, 2] == 0).all()


SHARED = """
plates: {users: 3}
constants: {start: [[0.3, 0.7], [0.8, 0.2]]}
model:
  g: {given: g, plate_index: users}
  m: {parameter: real, shape: []}
  b: {latent: bernoulli, logits: 0.4, global: true}
  u: {latent: categorical, probs: "start[b]", classes: 2, plate: users}
  x: {observed: normal, loc: "m * b + 2 * u[g]", scale: 1}
objective: mle
"""
SHARED = SHARED.replace(", classes: 2", "")


def test_elements_of_a_plate_and_a_latent_of_all_rows(tmp_path):
    model = compiled(SHARED, tmp_path)
    g = torch.tensor([0, 2, 0])
    found = model.posterior_probs(x=X, g=g)
    probs = torch.tensor([[0.3, 0.7], [0.8, 0.2]])
    b, u, total = torch.zeros(2), torch.zeros(3, 2), torch.zeros(())
    for own, *of_users in itertools.product(range(2), repeat=4):
        log_p = Bernoulli(logits=torch.tensor(0.4)).log_prob(torch.tensor(float(own)))
        log_p = log_p + sum(probs[own, each].log() for each in of_users)
        loc = model.m * own + 2 * torch.tensor(of_users)[g]
        p = (log_p + Normal(loc, 1.0).log_prob(X).sum()).exp().detach()
        total, b[own] = total + p, b[own] + p
        for user, each in enumerate(of_users):
            u[user, each] += p
    assert close(found["b"], b / total)
    assert close(found["u"], u / total)
    assert abs(model.log_prob(x=X, g=g).sum() - total.log()) < 1e-12


SPIKE = """
model:
  b: {latent: bernoulli, logits: 0.4, global: true}
  w: {latent: normal, loc: 0, scale: 0.1 + 2 * b, global: true}
  x: {observed: normal, loc: w * (1 + b), scale: 1}
objective: map
"""


def test_the_density_of_what_rows_share_counts(tmp_path):
    """Also the prior of `w` depends on `b`; `log_prob` has the rows given both alone."""
    model = compiled(SPIKE, tmp_path)
    w = model.w
    log_p = [
        Bernoulli(logits=torch.tensor(0.4)).log_prob(torch.tensor(float(b)))
        + Normal(0.0, 0.1 + 2 * b).log_prob(w)
        + Normal(w * (1 + b), 1.0).log_prob(X).sum()
        for b in (0, 1)
    ]
    assert close(model.posterior_probs(x=X)["b"], torch.stack(log_p).softmax(0).detach())


SWITCHING = """
model:
  m: {parameter: real, shape: [2]}
  b: {latent: categorical, logits: 0, classes: 2}
  z: {latent: normal, loc: 0, scale: 1}
  x: {observed: normal, loc: "m[b] + z", scale: 1}
objective: mle
"""


def test_beside_a_latent_that_is_integrated_out(tmp_path):
    model = compiled(SWITCHING, tmp_path)
    log_p = Normal(model.m, 2**0.5).log_prob(X[:, None]).log_softmax(-1)
    assert close(model.posterior_probs(x=X)["b"], log_p.exp().detach())


def test_the_probabilities_of_entries():
    """Those of all states of two dice, which are independent, give those of each."""
    first, second = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.6, 0.1, 0.3])
    joint = (first[:, None] * second).flatten()
    values = enumeration.every_state(torch.arange(3), (2,))
    assert [*values[1].tolist()] == [0, 1]  # the last entry runs fastest
    found = enumeration.entry_probs(joint.expand(4, 9), (2,))
    assert torch.allclose(found, torch.stack([first, second]).expand(4, 2, 3))
