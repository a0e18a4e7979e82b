"""Classes of labels in an energy, by free energies, against sums of exp(-E) over the latents."""

import itertools

import pytest
import torch

from specc.evaluate.classification import classification_metrics
from specc.evaluate.free_energies import sums_classes
from specc.evaluate.scoring import Request
from tests.unit.evaluate.test_classification import batch_of, compiled

ROWS, HIDDEN, CLASSES = 20, 4, 10
HEAD = """
specc: 1
name: joint
data:
  source: digits
  fields: {v: {from: image, binarize: threshold}, y: {from: label, one_hot: 10}}
model:
  w: {parameter: real, shape: [64, 4]}
  u: {parameter: real, shape: [10, 4]}
  c: {parameter: real, shape: [10]}
"""
JOINT = (
    HEAD
    + """  v: {observed: bernoulli}
  y: {observed: one_hot_categorical}
  h: {latent: bernoulli, shape: [4]}
  energy: "-(v @ w @ h) - y @ u @ h - c @ y"
objective: {cd: {steps: 1}}
"""
)
WIDE = JOINT.replace("[64, 4]", "[64, 40]").replace("[10, 4]", "[10, 40]").replace("[4]", "[40]")
GIVEN = JOINT.replace("v: {observed: bernoulli}", "v: {given: v}").replace(
    "{cd: {steps: 1}}", "mle"
)


def drawn(text, folder):
    opened = compiled(text, folder)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in opened.program.model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return opened


def by_sums(opened, scale=1.0):
    """p(y | v) of every class: sums over all states of the latents of exp(-E)."""
    model, v = opened.program.model, batch_of(opened, ROWS)["v"].double()
    w, u, c = (p.detach().double() for p in (model.w, model.u, model.c))
    h = torch.tensor(list(itertools.product((0.0, 1.0), repeat=HIDDEN))).double()
    joint = (v @ w @ h.T)[:, None] + scale * (u @ h.T) + c[:, None]
    return joint.logsumexp(-1).softmax(-1)


@pytest.mark.parametrize("text", [JOINT, GIVEN], ids=["joint", "given"])
def test_the_probabilities_of_classes_are_sums_over_states(text, tmp_path):
    """With the weights of the label doubled they are far."""
    opened = drawn(text, tmp_path)
    found = classification_metrics(opened, Request(rows=ROWS))["y"]
    assert found.probabilities.sub(by_sums(opened)).abs().max() < 1e-5
    assert found.probabilities.sub(by_sums(opened, 2.0)).abs().max() > 1e-2
    truth = batch_of(opened, ROWS)["y"].argmax(-1)
    right = by_sums(opened).argmax(-1) == truth
    assert found.accuracy.value == right.double().mean().item()
    assert found.estimator == "exact"


def test_log_z_is_not_needed(tmp_path):
    """A machine of 40 hidden units has no log Z, and classifies."""
    for name in ("wide", "given"):
        (tmp_path / name).mkdir()
    opened = compiled(WIDE, tmp_path / "wide")
    assert sums_classes(opened.manifest)
    assert not sums_classes(compiled(GIVEN, tmp_path / "given").manifest)
    found = classification_metrics(opened, Request(rows=ROWS))["y"]
    assert found.probabilities.shape == (ROWS, CLASSES)
