"""What chains need of a density: to be computed for all of them, one after the other if need be."""

from __future__ import annotations

import torch

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.samplers import recorded
from specc.engine.samplers.recorded import Recorded, choose

ORDERED = """\
specc: 1
name: ends
data: {source: npz, path: a.npz, fields: {y: {from: y, shape: []}}}
model:
  m: {latent: normal, loc: 0, scale: 2, shape: [2], through: order, global: true}
  y: {observed: mixture(normal), weights: [0.4, 0.6], loc: m, scale: 1}
links:
  order: {onto: ordered}
sampler: nuts
"""


def test_a_density_of_one_chain_at_a_time_is_chosen_before_calls_are_timed():
    def at_once(x):
        raise RuntimeError("an operation without a form for several positions")

    def in_turn(x):
        return 2 * x, x.sum(-1)

    function = Recorded(at_once, (torch.zeros(3, 2),), in_turn)
    choose(function, "auto", 10)
    assert function(torch.ones(3, 2))[1].tolist() == [2, 2, 2]


def long(count):
    """A function of `count` additions and as many products, at least."""

    def compute(x):
        total = x
        for _ in range(count):
            total = total + 0.5 * x
        return total, total.sum(-1)

    return Recorded(compute, (torch.ones(3, 2),))


def test_operations_are_counted():
    assert long(100).operations() == 201


def test_what_takes_longer_to_record_than_to_compute_is_not_recorded(monkeypatch):
    function = long(3000)
    monkeypatch.setattr(Recorded, "seconds", lambda self, *, few=False: 0.1)
    found = choose(function, "off", 10)
    assert (found.compiled, function.traced) == (False, False)
    assert found.reason == "1 s of calls are too few to record its 6,001 operations"
    choose(function, "off", 1000)
    assert function.traced


def test_a_very_long_function_is_not_recorded(monkeypatch):
    monkeypatch.setattr(recorded, "MOST_OPERATIONS", 200)
    function = long(100)
    found = choose(function, "auto", 10**9)
    assert (found.reason, function.traced) == ("its 201 operations are too many to record", False)
    choose(function, "off", 1)
    assert not function.traced


def test_torch_compiles_what_takes_longer_than_its_compilation(monkeypatch):
    function = long(1000)
    compiled = []
    monkeypatch.setattr(Recorded, "seconds", lambda self, *, few=False: 0.1)
    monkeypatch.setattr(Recorded, "compile", lambda self: compiled.append(self))
    assert "too few" in choose(function, "auto", 500).reason  # 50 s, for 2,000 operations
    assert compiled == []
    assert choose(function, "auto", 5000).compiled
    assert compiled == [function]


def test_a_latent_behind_a_bijection_without_parameters_has_a_posterior():
    found = front(Source("model.yaml", ORDERED))
    assert not found.diagnostics
