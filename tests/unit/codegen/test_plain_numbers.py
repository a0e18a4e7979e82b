"""Numbers and lists that are known when compiling, where generated code takes tensors."""

from __future__ import annotations

import pytest
import torch

from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.losses import computed

SPEC = """\
specc: 1
name: m
constants: {two: 2, pair: [1, 2]}
data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [3]}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [3]THROUGH}
  x: {observed: DENSITY}
guide:
  z: {latent: normal, params: "encoder(SEEN)"}
links: {decoder: linear, encoder: linear, f: {realnvp: {layers: 2, hidden: [4]}}, g: affine}
objective: elbo
"""
PLAIN = "normal, loc: decoder(z), scale: 1"


def spec(density=PLAIN, seen="x", through="g"):
    text = SPEC.replace("DENSITY", density).replace("SEEN", seen)
    return text.replace("THROUGH", f', through: "{through}"' if through else "")


CASES = {
    "a number beside a node": spec(PLAIN.replace("decoder(z)", '"decoder(z, 2)"')),
    "numbers": spec(PLAIN.replace("decoder(z)", '"decoder(z, -two, 1 / 3, exp(1) + dim(z))"')),
    "a list": spec(PLAIN.replace("decoder(z)", '"decoder(z, [1, 2])"')),
    "under params": spec(seen="x, pair, [3, 4]"),
    "numbers under params": spec(seen="x, 3, two"),
    "a list as a context": spec(through="f([1, 2])"),
    "a constant as a context": spec(through="f(pair)"),
    "functions of numbers": spec(PLAIN.replace("decoder(z)", '"decoder(z) + one_hot(two, 3)"')),
    "several numbers in one": spec(PLAIN.replace("decoder(z)", '"decoder(z) + concat(1, two, 3)"')),
    "into a link": spec(PLAIN.replace("decoder(z)", '"decoder(z, eye(2), one_hot(1, 3))"')),
    "a matrix": spec("multivariate_normal, loc: decoder(z), scale_tril: eye(two + 1)"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("error::SyntaxWarning")
def test_a_program_with_numbers_runs(name, tmp_path):
    made = program(CASES[name], tmp_path)
    batch = {"x": torch.randn(5, 3, dtype=torch.float64)}
    (loss,) = made.manifest.losses
    found, *_ = computed(made, batch, Noise.at(0, dtype=torch.float64), 5, name=loss.name)
    assert found.isfinite()
    rows = made.model.sample(Noise.at(0, dtype=torch.float64), 4)
    assert rows["x"].shape == (4, 3)


def test_they_have_the_values_that_are_meant(tmp_path):
    made = program(CASES["several numbers in one"], tmp_path)
    z = torch.zeros(2, 3, dtype=torch.float64)
    shift = made.model.x_loc(z) - made.model.decoder(z)
    assert shift.tolist() == [[1, 2, 3]] * 2
    joined = program(CASES["numbers"], tmp_path).model
    taken = torch.tensor([0, 0, 0, -2, 1 / 3, 2.718281828459045 + 3], dtype=torch.float64)
    torch.testing.assert_close(joined.x_loc(z), joined.decoder(taken.expand(2, -1)))


def test_they_move_to_the_device_with_their_module():
    text = generated(CASES["a matrix"])["model.py"]
    assert 'self.register_buffer("x_scale_tril_value", torch.eye(3), persistent=False)' in text
