"""Arrays of class numbers as indices equal loops over their places, and so do their gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import Tensor

from specc.runtime.program import Program
from tests.laws.compiling import program

SPEC = """specc: 1
name: made
constants: {some: [0, 2, 2]}
data:
  source: npz
  path: d.npz
  fields:
    i: {from: i, shape: [4]}
    j: {from: j, shape: [4]}
    k: {from: k}
    y: {from: y, shape: [4]}
model:
  i: {given: i}
  j: {given: j}
  k: {given: k}
  u: {latent: normal, loc: 0, scale: 1, shape: [5, 3], global: true}
  w: {latent: dirichlet, concentration: 1, shape: [5], global: true}
  h: {let: "exp(0.1 * u[i, some[j]]) * w[i]"}
  v: {let: "exp(u[k] + sum(h))"}
  y:
    observed: normal
    loc: "u[i, j] + u[k, 1] + u[3, j] + v[j] * sum(u[some, [0, 1, 1]])"
    scale: "w[i] + 0.1"
sampler: nuts
"""
ROWS = 6


def data() -> dict[str, Tensor]:
    random = np.random.default_rng(0)
    values = {
        "i": random.integers(0, 5, (ROWS, 4)),
        "j": random.integers(0, 3, (ROWS, 4)),
        "k": random.integers(0, 5, ROWS),
        "y": random.normal(size=(ROWS, 4)),
    }
    return {name: torch.as_tensor(value) for name, value in values.items()}


def by_loops(u: np.ndarray, w: np.ndarray, rows: dict[str, Tensor]) -> list[float]:
    """The log-densities of the rows, one place after another."""
    some, columns = (0, 2, 2), (0, 1, 1)
    factor = sum(u[a, b] for a, b in zip(some, columns, strict=True))
    found = []
    for i, j, k, y in zip(*(rows[name].tolist() for name in "ijky"), strict=True):
        total = sum(np.exp(0.1 * u[a, some[b]]) * w[a] for a, b in zip(i, j, strict=True))
        v = np.exp(u[k] + total)
        density = 0.0
        for a, b, at in zip(i, j, y, strict=True):
            loc = u[a, b] + u[k, 1] + u[3, b] + v[b] * factor
            density += stats.norm.logpdf(at, loc, w[a] + 0.1)
        found.append(density)
    return found


def made(folder: Path, change: tuple[str, str] | None = None) -> Program:
    built = program(SPEC, folder, change, "model.py")
    random = torch.Generator().manual_seed(1)
    for parameter in built.parameters():
        parameter.data.normal_(generator=random).mul_(0.4)
    return built


def apart(built: Program) -> float:
    u, w = (value.detach().numpy() for value in (built.model.u, built.model.w))
    found = built.model.log_prob(**data()).detach().numpy()
    return float(np.abs(found - by_loops(u, w, data())).max())


def test_the_density_is_that_of_loops(tmp_path: Path) -> None:
    assert apart(made(tmp_path)) < 1e-9


def test_swapped_indices_are_found(tmp_path: Path) -> None:
    change = ("gather_nd(v.unsqueeze(-2), j.long()", "gather_nd(v.unsqueeze(-2), j.flip(-1).long()")
    assert apart(made(tmp_path, change)) > 1e-3


def test_the_gradient_is_that_of_loops(tmp_path: Path) -> None:
    """An entry that several places name has the sum of their slopes; compared with differences."""
    built = made(tmp_path)
    u, w = (value.detach().numpy() for value in (built.model.u, built.model.w))
    total = built.model.log_prob(**data()).sum()
    (slope,) = torch.autograd.grad(total, built.model.u)
    for place in np.ndindex(u.shape):
        step = np.zeros_like(u)
        step[place] = 1e-6
        rise = sum(by_loops(u + step, w, data())) - sum(by_loops(u - step, w, data()))
        assert float(slope[place]) == pytest.approx(rise / 2e-6, rel=1e-6, abs=1e-5)


def test_a_vector_of_latents_that_index_is_summed_out(tmp_path: Path) -> None:
    """The sum over all vectors of classes is the product of the sums over each class."""
    text = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {y: {from: y, shape: [4]}}}
model:
  mu: {parameter: real, shape: [3]}
  p: {parameter: simplex, shape: [3]}
  z: {latent: categorical, probs: p, shape: [4]}
  y: {observed: normal, loc: "mu[z]", scale: 1}
objective: mle
"""
    built = program(text, tmp_path)
    mu = np.array([-1.0, 0.5, 2.0])
    built.model.mu.data.copy_(torch.as_tensor(mu))
    p, y = built.model.p.detach().numpy(), data()["y"]
    terms = stats.norm.logpdf(y.numpy()[..., None], mu) + np.log(p)
    found = built.model.log_prob(y=y).detach().numpy()
    np.testing.assert_allclose(found, special.logsumexp(terms, -1).sum(-1), rtol=0, atol=1e-9)
