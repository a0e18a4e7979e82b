"""Vector quantization (van den Oord et al. 2017): nearest vectors, straight-through gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import mse_loss

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.runtime.noise import Noise
from specc.runtime.program import load

SPEC = """\
specc: 1
name: quantized
data: {source: digits, fields: {x: {from: image}}}
constants: {ones: [1, 1, 1]}
model:
  codebook: {parameter: real, shape: [5, 3]}
  x: {given: x}
  z: {let: encoder(x), shape: [3]}
  k: {let: "argmin((codebook ** 2) @ ones - 2 * (codebook @ z))"}
  q: {let: "one_hot(k, 5) @ codebook", shape: [3]}
  s: {let: "z + stop(q - z)", shape: [3]}
  y: {let: decoder(s), shape: [64]}
links:
  encoder: {mlp: [6], activation: tanh}
  decoder: {mlp: [6], activation: tanh}
objective:
  minimize: >-
    mse(model.y, data.x) + mse(stop(model.z), model.q) + 0.25 * mse(model.z, stop(model.q))
"""


@pytest.fixture
def program(tmp_path):
    result, checked = compile(Source("quantized.yaml", SPEC))
    assert result is not None, checked.diagnostics
    for name, content in result.files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield load(tmp_path)
    torch.set_default_dtype(torch.float32)


def gradients(loss, program):
    """The gradients by name; zeros for parameters without a gradient."""
    named = dict(program.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    pairs = zip(named.items(), found, strict=True)
    return {n: torch.zeros_like(p) if g is None else g for (n, p), g in pairs}


def by_hand(program, x, straight=True):
    """The loss of equation 3 of the paper, with the nearest vector found by distances."""
    model = program.model
    z, e = model.encoder(x), model.codebook
    q = e[torch.cdist(z, e).argmin(-1)]
    s = z + (q - z).detach() if straight else q
    reconstruction = mse_loss(model.decoder(s), x)
    return reconstruction + mse_loss(z.detach(), q) + 0.25 * mse_loss(z, q.detach())


def test_the_gradient_is_that_of_the_straight_through_estimator(program):
    x = torch.rand(50, 64, dtype=torch.float64)
    loss = program.loss("loss", {}, {"x": x}, Noise.at(0, 0), {}).loss
    torch.testing.assert_close(loss, by_hand(program, x))
    mine = gradients(loss, program)
    wanted = gradients(by_hand(program, x), program)
    wrong = gradients(by_hand(program, x, straight=False), program)
    for name, value in mine.items():
        torch.testing.assert_close(value, wanted[name])
    for name in ("model.encoder.0.weight", "model.codebook"):
        assert not torch.allclose(mine[name], wrong[name], rtol=1e-3)
