"""A bijection as a function in an expression: values, contexts, shapes, a classifier."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from tests.laws.compiling import program
from tests.truths.gallery import trained_text
from tests.truths.measuring import rows

CLASSIFIER = """specc: 1
name: classifier
data: {source: toy, density: moons, rows: 4000, fields: {x: {from: x}, y: {from: label}}}
model:
  x: {observed: normal, loc: 0, scale: 1, through: [f, scale]}
  h: {let: f.inverse(scale.inverse(x))}
  y: {observed: categorical, logits: head(h), classes: 2}
links: {f: {residual: {layers: 3, hidden: [32, 32]}}, scale: actnorm, head: linear}
objective: mle
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 256, steps: STEPS}
"""

CONTEXT = """specc: 1
name: context
data: {source: digits, fields: {x: {from: image, shape: [SHAPE], dtype: float32}, y: {from: label}}}
model:
  y: {given: y}
  z: {latent: normal, loc: 0, scale: 1, shape: [64]}
  x: {observed: normal, loc: "f(z, y)", scale: 1}
guide:
  z: {latent: normal, loc: "f.inverse(x, y)", scale: 1}
links: {f: KIND}
objective: elbo
"""


def test_a_flow_is_a_density_and_the_features_of_a_classifier(tmp_path):
    """log p(x) + log p(y | f^-1(x)), by the modules of the flow."""
    made = program(CLASSIFIER.replace("STEPS", "1"), tmp_path).model
    x, y = torch.randn(6, 2).double(), torch.tensor([0, 1, 1, 0, 1, 0])
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    middle, first = made.scale.inverse(x)
    u, second = made.f.inverse(middle)
    density = torch.distributions.Normal(0.0, 1.0).log_prob(u).sum(-1) + first + second
    expected = density - functional.cross_entropy(made.head(u), y, reduction="none")
    torch.testing.assert_close(made.log_joint(x=x, y=y), expected)
    wrong = density - functional.cross_entropy(made.head(x), y, reduction="none")
    assert not torch.allclose(made.log_joint(x=x, y=y), wrong)


@pytest.fixture
def double():
    """One-hot vectors in double precision, too."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "shape, kind",
    [
        ("64", "{realnvp: {layers: 2, hidden: [8]}}"),
        ("64", "{maf: {layers: 1, hidden: [8]}}"),
        ("1, 8, 8", "{glow: {steps: 1, scales: 1, channels: 4}}"),
    ],
)
def test_further_arguments_are_the_context(shape, kind, tmp_path, double):
    """The draw of an image is a vector for `glow`, and so is that of its inverse."""
    text = CONTEXT.replace("SHAPE", shape).replace("KIND", kind)
    if kind.startswith("{glow"):
        text = text.replace(
            'x: {observed: normal, loc: "f(z, y)", scale: 1}',
            "x: {observed: normal, loc: 0, scale: 1, through: f(y)}",
        )
    made = program(text, tmp_path)
    y = torch.tensor([3, 9])
    context = functional.one_hot(y, 10).double()
    owner = made.guide if hasattr(made.guide, "f") else made.model
    with torch.no_grad():
        for parameter in owner.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    x = torch.randn(2, *map(int, shape.split(","))).double()
    u, _ = owner.f.inverse(x, context)
    assert u.shape == (2, 64)
    torch.testing.assert_close(made.guide.z_loc(x, y), u)
    if hasattr(made.model, "x_loc"):
        torch.testing.assert_close(made.model.x_loc(u, y), x)


def test_a_classifier_of_the_draw_learns(tmp_path):
    """The classes of two moons, which a linear map of the points themselves tells apart worse."""
    run = trained_text(CLASSIFIER.replace("STEPS", "120"), tmp_path)
    model, x, y = run.loaded.program.model, rows(run, "test", "x"), rows(run, "test", "y")
    linear = LogisticRegression().fit(rows(run, "train", "x"), rows(run, "train", "y"))
    with torch.no_grad():
        found = model.y_logits(model.h(torch.as_tensor(x).float())).argmax(-1).numpy()
    assert (found == y).mean() > linear.score(x, y) + 0.02, (
        (found == y).mean(),
        linear.score(x, y),
    )
