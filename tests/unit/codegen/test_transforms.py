"""Learnable points of latents, mapped onto the support of the latent."""

from __future__ import annotations

import pytest
import torch

from tests.laws.compiling import program

SPEC = """\
specc: 1
name: m
data: {source: npz, path: a.npz, fields: {x: {from: x}}}
model:
  w: {latent: uniform, low: LOW, high: HIGH, shape: [3], global: true}
  x: {observed: normal, loc: mean(w), scale: 1}
objective: map
"""


@pytest.mark.parametrize("low, high", [(0, 1), (0, 5), (2, 5), (-1.5, -0.5)])
def test_the_mode_of_a_bounded_latent_lies_between_its_bounds(low, high, tmp_path):
    model = program(SPEC.replace("LOW", str(low)).replace("HIGH", str(high)), tmp_path).model
    (raw,) = model.parameters()
    with torch.no_grad():
        raw.copy_(torch.tensor([-20.0, 0.0, 20.0]))
    assert (low < model.w).all() and (model.w < high).all()
    torch.testing.assert_close(model.w[1].item(), (low + high) / 2)
