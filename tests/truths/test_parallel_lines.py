"""The critic of a Wasserstein GAN on two parallel lines measures their distance.

The points (0, u) and (theta, u) with u uniform have the distance W1 = |theta|, where every
f-divergence is constant (Arjovsky, Chintala and Bottou 2017, example 1). A critic with the slope s
across the lines and the penalty 20 (s - 1)^2 has the optimum s = 1 + |theta| / 40, so that its
value is |theta| (1 + |theta| / 40), 2.5 % above |theta| = 1.
"""

from __future__ import annotations

import pytest
import torch

from specc.diagnostics.source import Source
from tests.truths.gallery import trained

SPEC = """\
specc: 1
name: parallel_lines
constants: {theta: 0.5}
model:
  u: {latent: uniform, low: 0, high: 1}
  x: {let: "concat(theta + 0 * u, u)", shape: [2]}
programs:
  line:
    u: {latent: uniform, low: 0, high: 1}
    x: {let: "concat(0 * u, u)", shape: [2]}
  between:
    t: {latent: uniform, low: 0, high: 1}
    v: {let: t * line.x + (1 - t) * model.x}
links: {d: {mlp: [32, 32]}}
objective:
  minimize: "d(model.x) - d(line.x) + 20 * (norm(grad(d(between.v), between.v)) - 1) ** 2"
train:
  optimizer: {adam: {lr: 0.003, betas: [0.5, 0.9]}}
  schedule: linear
  batch_size: 256
  steps: 600
"""


def distance(text, folder):
    """The mean of d on the line at 0 minus that on the line at theta."""
    run = trained(Source("parallel_lines.yaml", text), folder)
    d = run.loaded.program.networks.d
    u = torch.linspace(0, 1, 101).unsqueeze(-1)
    theta = 0.5 if "theta: 0.5" in text else -1.0
    with torch.no_grad():
        here, there = (d(torch.cat([torch.full_like(u, at), u], 1)) for at in (0.0, theta))
    return (here - there).mean().item()


@pytest.mark.parametrize("theta", [0.5, -1.0])
def test_the_critic_measures_the_distance_of_the_lines(theta, tmp_path):
    found = distance(SPEC.replace("theta: 0.5", f"theta: {theta}"), tmp_path)
    optimum = abs(theta) * (1 + abs(theta) / 40)
    assert found == pytest.approx(optimum, rel=0.02)
    assert found == pytest.approx(abs(theta), rel=0.05)


def test_a_penalty_of_another_slope_measures_another_distance(tmp_path):
    found = distance(SPEC.replace("between.v)) - 1", "between.v)) - 2"), tmp_path)
    assert found == pytest.approx(1.0, rel=0.08)
