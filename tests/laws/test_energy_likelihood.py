"""The likelihood and the pseudolikelihood of energies, their gradients, and the Ising model.

All states are enumerated in float64, by the energy alone. The free energy of the Ising model is
that of a transfer matrix.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special

from specc.evaluate.energies.log_z import Annealing, annealed_log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import neutral_base
from specc.runtime.draws import conditionals, states
from specc.runtime.draws.conditionals import log_conditionals
from specc.runtime.draws.states import log_sum_exp
from specc.runtime.noise import Noise
from tests.laws.compiling import program

CLOSE = 1e-10
DATA = "specc: 1\nname: machine\ndata: {source: csv, path: rows.csv, fields: "
RBM = (
    DATA
    + """{v: {from: a, shape: [4], binarize: threshold}}}
model:
  w: {parameter: real, shape: [4, 3]}
  a: {parameter: real, shape: [4]}
  b: {parameter: real, shape: [3]}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [3]}
  energy: "-(v @ w @ h) - a @ v - b @ h"
objective: OBJECTIVE
"""
)
DEEP = (
    DATA
    + """{v: {from: a, shape: [3], binarize: threshold}}}
model:
  w: {parameter: real, shape: [3, 3]}
  u: {parameter: real, shape: [3, 2]}
  a: {parameter: real, shape: [3]}
  v: {observed: bernoulli}
  g: {latent: bernoulli, shape: [3]}
  h: {latent: bernoulli, shape: [2]}
  energy: "-(v @ w @ g) - g @ u @ h - a @ v"
objective: OBJECTIVE
"""
)
LABELS = (
    DATA
    + """{x: {from: a, shape: [4], binarize: threshold}, y: {from: b, shape: [], one_hot: 3}}}
model:
  w: {parameter: real, shape: [4, 3]}
  u: {parameter: real, shape: [3, 3]}
  c: {parameter: real, shape: [3]}
  x: {given: x}
  y: {observed: one_hot_categorical}
  h: {latent: bernoulli, shape: [3]}
  energy: "-(x @ w @ h) - y @ u @ h - c @ y"
objective: OBJECTIVE
"""
)
ISING = (
    DATA
    + """{x: {from: a, shape: SHAPE, binarize: threshold}}}
model:
  j: {parameter: real}
  b: {parameter: real, shape: SHAPE}
  x: {observed: bernoulli}
  s: {let: 2 * x - 1}
  energy: "-(j * sum(s * neighbors(s)) / 2) - sum(b * s)"
objective: OBJECTIVE
"""
)
DENSE = (
    DATA
    + """{x: {from: a, shape: [5], binarize: threshold}}}
model:
  w: {parameter: real, shape: [5, 5]}
  b: {parameter: real, shape: [5]}
  x: {observed: bernoulli}
  energy: "-(x @ w @ x) / 2 - b @ x"
objective: OBJECTIVE
"""
)
POTTS = (
    DATA
    + """{x: {from: a, one_hot: 3, shape: [2, 2]}}}
model:
  j: {parameter: real}
  b: {parameter: real, shape: [2, 2, 3]}
  x: {observed: one_hot_categorical}
  energy: "-(j * sum(x * neighbors(x)) / 2) - sum(b * x)"
objective: OBJECTIVE
"""
)
GRID = ISING.replace("SHAPE", "[2, 3]")


def machine(text, objective, folder):
    """The module of a spec, with random parameters."""
    found = program(text.replace("OBJECTIVE", objective), folder)
    with torch.no_grad():
        for number, parameter in enumerate(found.parameters()):
            drawn = Noise.at(3, number, dtype=torch.float64).normal(parameter.shape)
            parameter.copy_(0.7 * drawn)
    return found.model


def binary(*shape):
    """All arrays of zeros and ones of a shape."""
    found = torch.tensor(list(itertools.product([0.0, 1.0], repeat=math.prod(shape))))
    return found.double().reshape(-1, *shape)


def levels():
    """All grids of 2x2 one-hot vectors of 3 classes."""
    found = torch.tensor(list(itertools.product(range(3), repeat=4)))
    return torch.nn.functional.one_hot(found, 3).double().reshape(-1, 2, 2, 3)


def energies(model, **latent):
    """The energy of every state; latents are the last of them."""
    lets = {"s": model.s(latent["x"])} if hasattr(model, "s") else {}
    taken = {name: value for name, value in latent.items() if not lets or name != "x"}
    return model.energy(**taken, **lets)


def free_energies(model, name, v):
    """-log of the sum of exp(-E) over the latents h of a machine with two layers."""
    h = binary(3)
    wide = {name: v[:, None], "h": h}
    return -(-model.energy(**wide)).logsumexp(1)


def data(rows, v):
    """Some of the states, as rows of data."""
    return v[torch.tensor(np.random.default_rng(5).integers(0, len(v), rows))]


def test_the_likelihood_is_normalized(tmp_path):
    model = machine(RBM, "mle", tmp_path)
    v = binary(4)
    wanted = -free_energies(model, "v", v)
    assert model.log_prob(v=v).sub(wanted.log_softmax(0)).abs().max() < CLOSE


def test_a_deep_machine_sums_over_one_layer_for_each_row(tmp_path):
    model = machine(DEEP, "mle", tmp_path)
    v, rest = binary(3), binary(5)
    g, h = rest.split([3, 2], 1)
    joint = -model.energy(v[:, None], g, h)
    wanted = joint.logsumexp(1).log_softmax(0)
    assert model.log_prob(v=v).sub(wanted).abs().max() < CLOSE


def test_a_conditional_density_has_a_log_z_for_each_row(tmp_path):
    model = machine(LABELS, "mle", tmp_path)
    x, y = binary(4)[[1, 6, 11, 15]], torch.eye(3).double()
    joint = -model.energy(x=x[:, None, None], y=y[:, None], h=binary(3))
    wanted = joint.logsumexp(2).log_softmax(1)
    for label in range(3):
        found = model.log_prob(x=x, y=y[label].expand(4, 3))
        assert found.sub(wanted[:, label]).abs().max() < CLOSE
    assert model.log_z(x=x).shape == (4,)


@pytest.mark.parametrize("at_once", [1 << 14, 3])
def test_the_gradient_of_the_likelihood_is_data_minus_model(at_once, tmp_path, monkeypatch):
    """In one part and in several; with probabilities of another energy it is far."""
    monkeypatch.setattr(states, "AT_ONCE", at_once)
    model, v = machine(RBM, "mle", tmp_path), binary(4)
    rows = data(20, v)
    found = torch.autograd.grad(-model.log_prob(v=rows).mean(), list(model.parameters()))

    def wanted(scale):
        with torch.no_grad():
            p = (-scale * free_energies(model, "v", v)).softmax(0)
        loss = free_energies(model, "v", rows).mean() - p @ free_energies(model, "v", v)
        return torch.autograd.grad(loss, list(model.parameters()))

    def far(others):
        return max(float((a - b).abs().max()) for a, b in zip(found, others, strict=True))

    assert far(wanted(1.0)) < CLOSE
    assert far(wanted(0.9)) > 1e-3


# a pseudolikelihood

MACHINES = {"rbm": RBM, "grid": GRID, "dense": DENSE, "potts": POTTS, "labels": LABELS}


def log_p_of(model, kind):
    """All states of the data, log p of each with a gradient, and the pseudolikelihood of rows."""
    if kind == "rbm":
        v = binary(4)
        return v, -free_energies(model, "v", v), lambda rows: model.log_pseudolikelihood(v=rows)
    x = levels() if kind == "potts" else binary(2, 3) if kind == "grid" else binary(5)
    return x, -energies(model, x=x), lambda rows: model.log_pseudolikelihood(x=rows)


def entries(x, kind):
    """For each entry, the number of each state without that entry: states of one group differ."""
    flat = x.flatten(1, 2) if kind == "potts" else x.flatten(1)
    sites = flat.shape[1]
    for site in range(sites):
        kept = [other for other in range(sites) if other != site]
        yield torch.unique(flat[:, kept].flatten(1), dim=0, return_inverse=True)[1]


def by_enumeration(x, log_p, kind):
    """sum_i log p(x_i | x_-i) of every state, by sums over the states of each group."""
    total = torch.zeros_like(log_p)
    for group in entries(x, kind):
        sums = torch.zeros(int(group.max()) + 1, dtype=log_p.dtype)
        sums = sums.index_add(0, group, log_p.exp())
        total = total + log_p - sums.log()[group]
    return total


@pytest.mark.parametrize("at_once", [1 << 14, 5])
@pytest.mark.parametrize("kind", ["rbm", "grid", "dense", "potts"])
def test_the_pseudolikelihood_and_its_gradient(kind, at_once, tmp_path, monkeypatch):
    """By enumeration; the plain likelihood, a wrong variant, is far."""
    monkeypatch.setattr(conditionals, "AT_ONCE", at_once)
    model = machine(MACHINES[kind], "pseudolikelihood", tmp_path)
    x, log_p, pseudo = log_p_of(model, kind)
    wanted, found = by_enumeration(x, log_p, kind), pseudo(x)
    assert found.sub(wanted).abs().max() < CLOSE
    chosen = torch.tensor(np.random.default_rng(5).integers(0, len(x), 20))
    grads = [
        torch.autograd.grad(value[chosen].mean(), list(model.parameters()), retain_graph=True)
        for value in (found, wanted, log_p.log_softmax(0))
    ]
    right, wrong = (
        max(float((a - b).abs().max()) for a, b in zip(grads[0], other, strict=True))
        for other in grads[1:]
    )
    assert right < CLOSE
    assert wrong > 1e-3


@pytest.mark.parametrize("kind", ["rbm", "grid", "dense", "potts"])
def test_the_pseudolikelihood_is_consistent(kind, tmp_path):
    """Under the distribution of the model its mean gradient is 0; under another one it is not."""
    model = machine(MACHINES[kind], "pseudolikelihood", tmp_path)
    x, log_p, pseudo = log_p_of(model, kind)

    def size(weights):
        mean = weights.detach() @ pseudo(x)
        return max(float(g.abs().max()) for g in torch.autograd.grad(mean, [*model.parameters()]))

    assert size(log_p.softmax(0)) < CLOSE
    assert size((0.8 * log_p).softmax(0)) > 1e-3


def test_a_pseudolikelihood_of_one_label_is_its_density(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    exact = machine(LABELS, "mle", tmp_path / "one")
    pseudo = machine(LABELS, "pseudolikelihood", tmp_path / "other")
    x, y = data(9, binary(4)), data(9, torch.eye(3).double())
    found = pseudo.log_pseudolikelihood(x=x, y=y) - exact.log_prob(x=x, y=y)
    assert found.abs().max() < CLOSE


def test_conditionals_of_one_value_are_certain():
    x = torch.ones(3, 2, dtype=torch.float64)
    found = log_conditionals(lambda v: v.sum(-1), x, torch.tensor([0.0, 1.0]).double())
    assert found.tolist() == pytest.approx([2 * math.log(special.expit(1.0))] * 3)


# the Ising model


def transfer(coupling, field, rows, columns):
    """log Z of the Ising model on a grid with free edges, by a transfer matrix over its rows.

    Z = sum over spins of exp(J sum_<ij> s_i s_j + h sum_i s_i); the matrix from one row of spins to
    the next one has the couplings between them, and the vector of a row those inside it.
    """
    spins = np.array(list(itertools.product((-1.0, 1.0), repeat=columns)))
    inside = np.exp(coupling * (spins[:, 1:] * spins[:, :-1]).sum(1) + field * spins.sum(1))
    between = np.exp(coupling * spins @ spins.T)
    total = inside
    for _ in range(rows - 1):
        total = inside * (between @ total)
    return math.log(total.sum())


@pytest.mark.parametrize(("coupling", "field"), [(0.3, 0.1), (0.4406868, 0.0), (-0.5, 0.2)])
def test_log_z_of_the_ising_model_is_that_of_the_transfer_matrix(coupling, field, tmp_path):
    """On 4x4 spins, also at the critical coupling; with periodic edges it would be far."""
    model = machine(ISING.replace("SHAPE", "[4, 4]"), "mle", tmp_path)
    with torch.no_grad():
        model.j.fill_(coupling)
        model.b.fill_(field)
        found = model.log_z().item()
    assert found == pytest.approx(transfer(coupling, field, 4, 4), abs=CLOSE)
    assert abs(found - transfer(coupling * 1.05, field, 4, 4)) > 1e-3


@pytest.mark.parametrize(("coupling", "field"), [(0.3, 0.1), (0.4406868, 0.0)])
def test_annealing_of_the_ising_model_agrees_with_the_transfer_matrix(coupling, field, tmp_path):
    """On 8x8 spins, within 4 standard errors in both directions; another coupling is far."""
    text = ISING.replace("SHAPE", "[8, 8]").replace("OBJECTIVE", "{cd: {steps: 1}}")
    found = program(text, tmp_path)
    with torch.no_grad():
        found.model.j.fill_(coupling)
        found.model.b.fill_(field)
    declared = found.manifest.energy
    assert declared is not None
    model = EnergyModel.of(found.model, declared)
    log_z = annealed_log_z(model, neutral_base(model), Annealing(200, 200, "both", sweeps=100))
    wanted, other = (transfer(j, field, 8, 8) for j in (coupling, 1.02 * coupling))
    for way in (log_z.forward, log_z.backward):
        assert way is not None and way.standard_error < 0.1
        assert abs(way.value - wanted) < 4 * way.standard_error
        assert abs(way.value - other) > 4 * way.standard_error


# sums over states


def test_a_sum_in_parts_is_the_whole(monkeypatch):
    values = torch.arange(2.0).double(), (3,)
    classes = torch.eye(3).double(), ()

    def weight(h, y):
        return 0.3 * h.sum(-1) * (y @ torch.tensor([1.0, -2.0, 0.5]).double())

    whole = log_sum_exp(weight, values, classes)
    every = [
        math.exp(weight(torch.tensor(h).double(), torch.eye(3).double()[y]))
        for h in itertools.product((0.0, 1.0), repeat=3)
        for y in range(3)
    ]
    assert whole.item() == pytest.approx(math.log(sum(every)), abs=CLOSE)
    monkeypatch.setattr(states, "AT_ONCE", 5)
    assert log_sum_exp(weight, values, classes).item() == pytest.approx(whole.item(), abs=CLOSE)
