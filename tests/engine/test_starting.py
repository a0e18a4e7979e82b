"""Data-dependent initialization uses the first batch of a new run alone."""

from __future__ import annotations

import pytest
import torch

from specc.engine.train import Options, train
from specc.runtime.noise import Noise
from tests.laws.compiling import generated

TEXT = """
specc: 1
name: started
data: {source: toy, density: moons, rows: 400, fields: {x: {from: x}}}
model:
  x: {observed: normal, loc: 0, scale: 1, through: [f, g]}
links:
  f: {realnvp: {layers: 2, hidden: [8]}}
  g: actnorm
objective: mle
train: {optimizer: {adam: {lr: 1.0e-9}}, batch_size: 320, epochs: 1}
"""


@pytest.fixture
def whole(tmp_path):
    code = tmp_path / "started"
    code.mkdir()
    for name, text in generated(TEXT).items():
        (code / name).write_text(text, encoding="utf-8")
    return train(code, tmp_path / "run", Options(quiet=True, threads=1))


def test_the_first_batch_is_standardized(whole):
    """The batch has all training rows, so their base draws have mean 0 and standard deviation 1."""
    opened = whole.loaded
    rows = opened.rows("train").batch(slice(0, 320), Noise.at(0))
    with torch.no_grad():
        base, _ = opened.program.model.g.inverse(rows["x"])
    assert rows["x"].mean(0).abs().max() > 0.1
    torch.testing.assert_close(base.mean(0), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(base.std(0, correction=0), torch.ones(2), rtol=0, atol=1e-4)


def test_a_plain_pass_sets_nothing(whole):
    norm = whole.loaded.program.model.g
    before = {name: value.clone() for name, value in norm.named_parameters()}
    with torch.no_grad():
        norm.inverse(100 + 5 * torch.randn(50, 2))
    assert all(torch.equal(before[name], value) for name, value in norm.named_parameters())
