"""One random step of a noising chain: its mean over all steps is the bound, with its gradient.

All expectations are exact. The terms are polynomials of the draws, so that the rule of equal
weights at -sqrt(3), 0, 0, 0, 0 and sqrt(3), which is exact up to the fifth power, gives the bound
from a draw of the whole chain at all combinations of points, and the loss from the points of a
step at each of the steps.
"""

from itertools import product
from math import sqrt

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program

STEPS = 3
POINTS = (-sqrt(3), 0.0, 0.0, 0.0, 0.0, sqrt(3))
DATA = torch.tensor([[0.4, -1.1], [-0.7, 0.2]])

SPEC = """specc: 1
name: chain
constants: {steps: 3}
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
plates: {t: {scan: steps}}
model:
  learnt: {parameter: real, shape: [steps + 1]}
  low: {parameter: real, shape: [2]}
  high: {parameter: real, shape: [2]}
  betas: {let: sigmoid(learnt)}
  top: {latent: normal, loc: 0.1, scale: 1.5, shape: [2]}
  b: {let: "betas[index(t) + 1]", plate: t}
  mean: {let: "z[t+1] - b * (low + high * z[t+1] ** 2)", shape: [2], plate: t}
  z: {latent: normal, loc: mean, scale: sqrt(b), initial: top, shape: [2], plate: t, reverse: true}
  x: {observed: normal, loc: "z[0] + low * z[0] ** 2", scale: 0.7}
guide:
  b: {let: "model.betas[index(t)]", plate: t}
  z: {latent: normal, loc: "sqrt(1 - b) * z[t-1]", scale: sqrt(b), initial: x}
  top: {latent: normal, loc: "0.3 * last(z, t)", scale: "sqrt(model.betas[steps])"}
objective: {elbo: {steps: random}}
"""
VARIANTS = {
    "a learnt schedule": (),
    "a scale of one number": (("scale: sqrt(b), initial: x", "scale: 0.6, initial: x"),),
    "steps that differ from row to row": (
        ('"sqrt(1 - b) * z[t-1]"', '"sqrt(1 - b) * (0.1 * x + z[t-1]) - 0.2 * x * z[t-1]"'),
        ("0.3 * last(z, t)", "(0.3 + 0.1 * x) * last(z, t) - 0.2 * x"),
    ),
    "through deterministic nodes": (
        ('loc: "sqrt(1 - b) * z[t-1]"', 'loc: "moved - z[t-1] / 4"'),
        (
            '  z: {latent: normal, loc: "moved',
            '  moved: {let: "z[t-1] / 2 - b", shape: [2], plate: t}\n'
            '  z: {latent: normal, loc: "moved',
        ),
    ),
    "two particles": (("steps: random", "steps: random, particles: 2"),),
    "another start": (("initial: x}", "initial: 2 * x - 1}"),),
    "a weight that rises": (("steps: random", "steps: random, warm_up: 0.5"),),
    "the data of the second step": (('"z[0] + low * z[0] ** 2"', '"z[1] + low * z[1] ** 2"'),),
    "a latent at the start": (
        ("  x: {observed: normal, loc", "  y: {latent: normal, loc"),
        (
            "guide:\n",
            "  x: {observed: normal, loc: y - low, scale: 0.5}\nguide:\n"
            "  y: {latent: normal, loc: 0.5 * x, scale: 0.3}\n",
        ),
        ("scale: 0.7}", "scale: 0.7, shape: [2]}"),
        ("initial: x}", "initial: y}"),
    ),
}


class Rule(Noise):
    """Points in place of normal draws, and 0 in place of uniform ones.

    `axes` are the numbers of the axis of points of each draw, in their order, and `count` axes have
    all combinations of points.
    """

    def __init__(self, axes, count):
        super().__init__(torch.Generator(), torch.float64)
        self.axes, self.points = list(axes), torch.tensor(list(product(POINTS, repeat=count)))

    def normal(self, shape):
        *outer, event = shape
        points = self.points[:, self.axes.pop(0)]
        rows = points.repeat(torch.Size(outer).numel() // len(points))
        return rows.view(*outer, 1).expand(*outer, event)

    def uniform(self, shape):
        return torch.zeros(shape, dtype=torch.float64)


def of_all_steps(made, x, is_started):
    """The negative of the bound of each row, from draws of the whole chain."""
    axes = STEPS + 1 + is_started
    rows = x.expand(len(POINTS) ** axes, 2)
    draws, log_q = made.guide.sample_and_log_prob(Rule(range(axes), axes), 1, x=rows)
    return -(made.model.log_joint(x=rows, **draws) - log_q).mean()


def of_one_step(made, x, is_started, weight=STEPS):
    """The loss of a spec at all steps: rows have steps in order. Another `weight` is wrong."""
    axes = 1 + is_started
    rows = x.expand(STEPS * len(POINTS) ** axes, 2)
    noise = Rule([*range(is_started), *[axes - 1] * 2], axes)
    found = made.loss("loss", {}, {"x": rows}, noise, {"kl_weight": 1.0})
    (name,) = (name for name in found.metrics if name.startswith("KL(q(z"))
    return found.loss + (weight - STEPS) * found.metrics[name]


def with_gradient(loss, made, *given):
    """A loss and its gradient in all parameters, as one vector: the mean over rows of data."""
    total = sum(loss(made, x, *given) for x in DATA.double()) / len(DATA)
    parameters = list(made.parameters())
    gradients = torch.autograd.grad(total, parameters)
    return torch.cat([total.detach()[None], *(each.flatten() for each in gradients)])


def changed(variant):
    text = SPEC
    for old, new in VARIANTS[variant]:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_mean_over_all_steps_is_the_bound(variant, tmp_path):
    """Value and gradient agree to rounding, and those of another weight of the step do not."""
    with precision(torch.float64):
        made = program(changed(variant), tmp_path)
        with torch.no_grad():
            for number, parameter in enumerate(made.parameters()):
                parameter.copy_(0.3 * torch.cos(torch.arange(parameter.numel()) + number))
        is_started = "latent" in variant
        right = with_gradient(of_all_steps, made, is_started)
        found = with_gradient(of_one_step, made, is_started)
        wrong = with_gradient(of_one_step, made, is_started, STEPS - 1)
    assert (found - right).abs().max() < 1e-9 * right.abs().max()
    assert (wrong - right).abs().max() > 1e-2 * right.abs().max()
