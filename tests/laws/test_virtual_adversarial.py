"""Virtual adversarial training (Miyato et al. 2018): a link inside `grad` and inside functions.

The size of its output is that of an earlier use. For a linear classifier the slope of the guess
g log softmax(W v + b) is W^T (g - softmax(W v + b)), and the worst point is at the distance eps.
"""

from __future__ import annotations

import pytest
import torch

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

SPEC = """\
specc: 1
name: virtual
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [3]}, y: {from: y}}}
model:
  x: {given: x}
  y: {observed: categorical, logits: classifier(x), classes: 4}
programs:
  near:
    e: {latent: normal, loc: 0, scale: 1, shape: [3]}
    v: {let: "data.x + 0.1 * e / norm(e)"}
    guess: {let: "stop(softmax(classifier(data.x)))"}
    slope: {let: "stop(grad(sum(guess * log_softmax(classifier(v))), v))"}
    worst: {let: "data.x - 2 * slope / norm(slope)"}
links: {classifier: linear}
objective:
  minimize: "-log_prob(model.y) - sum(near.guess * log_softmax(classifier(near.worst)))"
"""
X = torch.tensor([[0.3, -1.2, 0.1], [2.0, 0.5, -0.4]], dtype=torch.float64)
Y = torch.tensor([1, 3])


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def made(folder, change=None):
    found = program(SPEC, folder, change)
    settle(found)
    return found


def loss_of(found):
    batch = {"x": X, "y": Y}
    return computed(found, batch, Noise.at(0, dtype=torch.float64))[0]


def test_the_slope_is_that_of_the_guess(tmp_path):
    found = made(tmp_path)
    near, linear = found.near, found.model.classifier
    v = X + 0.1
    slope = near.slope(near.guess(X), v)
    wanted = (linear(X).softmax(-1) - linear(v).softmax(-1)) @ linear.weight
    assert torch.allclose(slope, wanted, rtol=1e-9)
    distance = (near.worst(X, slope) - X).norm(dim=-1)
    assert torch.allclose(distance, torch.full((2,), 2.0, dtype=torch.float64))


def test_neither_the_guess_nor_the_worst_point_has_a_gradient(tmp_path):
    """The gradient of the loss is that of the classifier at two fixed points."""
    found, own = made(tmp_path), []
    near, linear = found.near, found.model.classifier
    handle = linear.register_forward_hook(lambda module, inputs, output: own.append(inputs[0]))
    slope = gradient(found, loss_of(found))
    handle.remove()
    worst = own[-1].detach()

    def loss(guess):
        log_p = linear(X).log_softmax(-1).gather(-1, Y[:, None])[:, 0]
        return (-log_p - (guess * linear(worst).log_softmax(-1)).sum(-1)).mean()

    fixed = gradient(found, loss(near.guess(X)))
    assert torch.allclose(slope, fixed, rtol=1e-9, atol=1e-12)
    assert not torch.allclose(slope, gradient(found, loss(linear(X).softmax(-1))), rtol=1e-2)


def test_a_size_that_no_earlier_use_gives_is_asked_for():
    """Without the labels nothing says how many numbers the classifier has."""
    start = SPEC.index("  y: {observed")
    text = SPEC[:start] + SPEC[SPEC.index("programs:") :].replace("-log_prob(model.y) ", "")
    codes = [d.code for d in front(Source("spec.yaml", text)).diagnostics]
    assert "E0610" in codes
