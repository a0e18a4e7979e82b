"""An equation that was not solved is told with its node, and no figure or draw comes of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import specc
from specc.engine.step.trace import origin_of
from specc.runtime.failure import RunFailure

SPEC = """\
specc: 1
name: ring
data: {source: npz, path: d.npz, split: {test: 0.5}, fields: {x: {from: x, shape: [2]}}}
model:
  x: {observed: normal, loc: 0, scale: 1, through: f}
links:
  f: {implicit: {layers: 1, hidden: [8]}}
objective: mle
train: {epochs: 1, batch_size: 20}
evaluate:
  test: {estimator: exact, data: test}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose maps are not the identity."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=random.normal(size=(40, 2)).astype(np.float32))
    (tmp_path / "ring.yaml").write_text(SPEC)
    made = specc.load("ring.yaml").train("run", data_dir=".")
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in made.program.parameters():
            parameter += torch.randn_like(parameter)
    return made


@pytest.fixture
def hasty(monkeypatch):
    """Fixed points are given up after one step."""
    monkeypatch.setattr("specc.runtime.bijections.fixed_point.MOST", 1)


def asked(run):
    x = torch.randn(5, 2)
    from specc.evaluate.decomposition import loss_terms
    from specc.evaluate.estimate import estimate
    from specc.evaluate.scoring import Request

    return {
        "sample": lambda: run.sample(5),
        "log_prob": lambda: run.log_prob(x),
        "estimate": lambda: estimate(run.loaded, Request("exact")),
        "parts": lambda: loss_terms(run.loaded),
    }


@pytest.mark.parametrize("what", ["sample", "log_prob", "estimate", "parts"])
def test_what_was_not_solved_is_refused(run, hasty, what):
    with pytest.raises(RunFailure) as found:
        asked(run)[what]()
    failure = found.value
    assert failure.code == "E0820" and failure.exit_code == 3
    assert failure.message.startswith("the equation of node `model.x` (model.py:")
    assert "a fixed point was not reached in 1 steps" in failure.message
    assert failure.place == "ring.yaml:5:3"


def test_values_of_solved_equations_are_finite(run):
    found = {name: compute() for name, compute in asked(run).items()}
    log_prob, estimate = found["log_prob"], found["estimate"]
    assert found["sample"]["x"].shape == (5, 2) and found["sample"]["x"].isfinite().all()
    assert log_prob.shape == (5,) and log_prob.isfinite().all()
    assert estimate.values.shape == (20,) and estimate.values.isfinite().all()
    (term,) = found["parts"].values()
    assert term.value == pytest.approx(estimate.value, abs=1e-4)


def test_a_loss_that_is_not_finite_says_why(run, hasty):
    """What training says after 20 steps without a finite loss."""
    opened = run.loaded
    x = torch.randn(5, 2)
    origin = origin_of(lambda: run.program.model.log_prob(x=x), opened.program.folder)
    assert origin is not None and origin.place is not None
    assert origin.value == "NaN" and origin.place.node == "model.x"
    assert str(origin).endswith(": a fixed point was not reached in 1 steps")
