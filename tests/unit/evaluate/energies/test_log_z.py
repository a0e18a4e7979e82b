"""Log Z as a result: its value, its kind, its statement, and its JSON."""

import json
import math

import pytest
import torch

from specc.evaluate.energies.log_z import Annealing, annealed_log_z, exact_log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import neutral_base
from tests.oracles.energies import Deep, Rbm, brute_log_z

MODULE = Rbm(6, 4, seed=1)


def model_of(module=MODULE):
    return EnergyModel.of(module, module.declared)


def annealed(direction, **more):
    options = Annealing(**{"chains": 300, "temperatures": 100, "direction": direction, **more})
    model = model_of()
    return annealed_log_z(model, neutral_base(model), options)


def test_exact():
    found = exact_log_z(model_of(Deep(6, 6, 6)))
    assert found.value == pytest.approx(brute_log_z(Deep(6, 6, 6)), abs=1e-10)
    assert (found.standard_error, found.kind, found.is_exact) == (0.0, "exact", True)
    assert found.statement() == "log Z is exact, a sum over 2^6 states"


@pytest.mark.parametrize(
    "direction, kind, words",
    [
        ("forward", "lower bound on average", "is at most log Z"),
        ("backward", "upper bound on average", "the mean of the backward estimate"),
        ("both", "bracket on average", "and that of the backward estimate"),
    ],
)
def test_annealed(direction, kind, words):
    found = annealed(direction)
    exact = brute_log_z(MODULE)
    assert abs(found.value - exact) < 4.5 * found.standard_error
    assert not abs(found.value - exact - 1) < 4.5 * found.standard_error
    assert (found.kind, found.is_exact) == (kind, False)
    assert words in found.statement()
    assert ("exact samples" in found.statement()) == (direction != "forward")
    summary = json.loads(json.dumps(found.summary()))
    assert {"forward", "backward"} & set(summary) == (
        {"forward", "backward"} if direction == "both" else {direction}
    )
    chosen = summary["backward" if direction == "backward" else "forward"]
    assert chosen["value"] == summary["value"] == found.value
    assert (summary["chains"], summary["temperatures"]) == (300, 100)


def test_the_seed_alone_matters():
    few = {"chains": 20, "temperatures": 20}
    found = annealed("both", **few)
    assert found == annealed("both", **few)
    assert found.value != annealed("both", seed=1, **few).value
    assert found.forward == annealed("forward", **few).forward


def test_one_chain_has_no_standard_error():
    found = annealed("forward", chains=1)
    assert math.isnan(found.standard_error)
    assert found.summary()["forward"]["standard_error"] is None


def test_progress_covers_both_directions():
    seen = []
    model = model_of()
    options = Annealing(chains=2, temperatures=100, direction="both", sweeps=1)
    annealed_log_z(model, neutral_base(model), options, seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0
    assert "after 1 sweep from resampled ends" in annealed("both", sweeps=1).statement()


def test_a_model_in_float32():
    module = Rbm(30, 12, seed=3, scale=0.2).float()
    model = model_of(module)
    options = Annealing(chains=500, temperatures=500)
    found = annealed_log_z(model, neutral_base(model), options)
    assert abs(found.value - exact_log_z(model).value) < 4.5 * found.standard_error
    assert next(module.parameters()).dtype == torch.float32
