"""Units whose entries interact: conditionals, colors, and the distribution that Gibbs keeps.

All states are enumerated in float64. One sweep of the chain keeps the distribution of the model: if
rows are drawn from it, so are the rows after a sweep, which a chi-square test checks at 1e-6.
"""

import itertools

import pytest
import torch
from scipy import stats

from specc.runtime.noise import Noise
from tests.laws.compiling import program

HEAD = "specc: 1\nname: machine\ndata: {source: csv, path: rows.csv, fields: {x: {from: a, "
GRID = (
    HEAD
    + """shape: [2, 3], binarize: threshold}}}
model:
  j: {parameter: real}
  b: {parameter: real, shape: [2, 3]}
  x: {observed: bernoulli}
  s: {let: 2 * x - 1}
  energy: "-(j * sum(s * neighbors(s)) / 2) - sum(b * x)"
objective: {cd: {steps: 1}}
"""
)
DENSE = (
    HEAD
    + """shape: [5], binarize: threshold}}}
model:
  w: {parameter: real, shape: [5, 5]}
  b: {parameter: real, shape: [5]}
  x: {observed: bernoulli}
  energy: "-(x @ w @ x) / 2 - b @ x"
objective: {cd: {steps: 1}}
"""
)
SUMS = (
    HEAD
    + """shape: [5], binarize: threshold}}}
model:
  w: {parameter: real}
  b: {parameter: real, shape: [5]}
  x: {observed: bernoulli}
  energy: "w * sum(x) ** 2 - b @ x"
objective: {cd: {steps: 1}}
"""
)
RECONSTRUCTION = (
    HEAD
    + """shape: [1, 3, 2], binarize: threshold}}}
model:
  a: {parameter: real, shape: [2, 2, 1]}
  x: {observed: bernoulli}
  energy: "sum((a - f(x)) ** 2) / 2"
links:
  f: {convolution: 2}
objective: {cd: {steps: 1}}
"""
)
SQUARES = (
    HEAD
    + """shape: [4], binarize: threshold}}}
model:
  w: {parameter: real, shape: [4]}
  v: {parameter: real, shape: [4, 2]}
  x: {observed: bernoulli}
  h: {latent: bernoulli, shape: [2]}
  energy: "sum(w * (x - 0.3) ** 2) - x @ v @ h"
objective: {cd: {steps: 1}}
"""
)
LEVELS = (
    HEAD
    + """one_hot: 3, shape: [2, 2]}}}
model:
  j: {parameter: real}
  b: {parameter: real, shape: [2, 2, 3]}
  x: {observed: one_hot_categorical}
  energy: "-(j * sum(x * neighbors(x)) / 2) - sum(b * x)"
objective: {cd: {steps: 1}}
"""
)


@pytest.fixture(
    params=[GRID, DENSE, SUMS, RECONSTRUCTION], ids=["grid", "dense", "sums", "reconstruction"]
)
def machine(request, tmp_path):
    """A machine of binary entries with random parameters, and all its states."""
    found = program(request.param, tmp_path)
    with torch.no_grad():
        for number, parameter in enumerate(found.parameters()):
            parameter.copy_(Noise.at(3, number, dtype=torch.float64).normal(parameter.shape))
    shape = found.manifest.nodes["model"]["x"].shape
    size = int(torch.tensor(shape).prod())
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=size)), dtype=torch.float64)
    return found.model, states.reshape(-1, *shape)


def flipped(states, entry):
    """The states with one entry set to 0 and to 1."""
    flat = states.flatten(1)
    low, high = flat.clone(), flat.clone()
    low[:, entry], high[:, entry] = 0.0, 1.0
    return low.reshape(states.shape), high.reshape(states.shape)


def worst_logit(model, states, at):
    """The largest difference of a logit from E(x_i = 0) - E(x_i = 1), if x_i is `at` beside it."""
    worst = 0.0
    for entry in range(states[0].numel()):
        low, high = flipped(states, entry)
        exact = model.energy(**inputs(model, low)) - model.energy(**inputs(model, high))
        taken = states.flatten(1).clone()
        taken[:, entry] = at
        found = model.x_given_rest(taken.reshape(states.shape)).flatten(1)[:, entry]
        worst = max(worst, float((found - exact).detach().abs().max()))
    return worst


def inputs(model, x):
    return {"s": model.s(x), "x": x} if hasattr(model, "s") else {"x": x}


def test_the_logit_of_each_entry(machine):
    model, states = machine
    assert worst_logit(model, states, 0.5) < 1e-10


def test_the_diagonal_counts(tmp_path):
    """With the entry itself in place of 1/2 the diagonal of the matrix is counted wrong."""
    model = program(DENSE, tmp_path).model
    with torch.no_grad():
        model.w.copy_(torch.eye(5))
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=5)), dtype=torch.float64)
    assert worst_logit(model, states, 0.5) < 1e-10
    assert worst_logit(model, states, 1.0) > 0.1


def test_entries_of_one_color_do_not_interact(machine):
    model, states = machine
    colors, x = model.x_colors.flatten(), states[:1].clone().requires_grad_()
    logits = model.x_given_rest(x).flatten()
    for entry, logit in enumerate(logits):
        (slope,) = torch.autograd.grad(logit, x, retain_graph=True)
        same = (colors == colors[entry]) & (torch.arange(len(colors)) != entry)
        assert not slope.flatten()[same].any()


def test_a_sweep_keeps_the_distribution(machine):
    """Chi-square of 40,000 rows after one sweep, at a level of 1e-6."""
    model, states = machine
    rows = 40_000
    weights = (-model.energy(**inputs(model, states))).softmax(0).detach()
    noise = Noise.at(5, 1, dtype=torch.float64)
    start = states[noise.classes(weights, rows)]
    after = model.gibbs(noise, x=start, steps=1)["x"].flatten(1)
    powers = 2.0 ** torch.arange(after.shape[1] - 1, -1, -1, dtype=torch.float64)
    counts = torch.bincount((after @ powers).long(), minlength=len(states))
    wanted = weights * rows
    kept = wanted > 5
    observed = [*counts[kept].tolist(), counts[~kept].sum().item()]
    expected = [*wanted[kept].tolist(), wanted[~kept].sum().item()]
    if expected[-1] == 0:
        observed, expected = observed[:-1], expected[:-1]
    assert stats.chisquare(observed, expected).pvalue > 1e-6
    shifted = stats.chisquare(observed, [*expected[1:], expected[0]]).pvalue
    assert shifted < 1e-6


def test_squares_of_binary_entries(tmp_path):
    """E(1) - E(0) of w (x - c)^2 is w (1 - 2 c)."""
    model = program(SQUARES, tmp_path).model
    h = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(model.x_given_h(h), h @ model.v.mT - model.w * 0.4)


def test_levels_have_the_colors_of_their_places(tmp_path):
    """Each logit is -E up to a constant, whatever the level of the place itself is."""
    model = program(LEVELS, tmp_path).model
    assert model.x_colors.tolist() == [[[0] * 3, [1] * 3], [[1] * 3, [0] * 3]]
    levels = torch.eye(3, dtype=torch.float64)
    others = levels[torch.tensor([[0, 2], [1, 1]])]
    energies = []
    for level in levels:
        x = others.clone()
        x[0, 0] = level
        energies.append(model.energy(x[None])[0])
    others[0, 0] = 0.0
    logits = model.x_given_rest(others[None])[0, 0, 0]
    wanted = (-torch.stack(energies)).log_softmax(0)
    torch.testing.assert_close(logits.log_softmax(0), wanted)
