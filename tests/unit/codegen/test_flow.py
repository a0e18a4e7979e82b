"""A draw through bijections has a log-determinant only where its density is asked for."""

from __future__ import annotations

import torch

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.runtime.noise import Noise
from specc.runtime.program import load

SPEC = """
specc: 1
name: flows
data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [12]}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [12], through: [f, positive]}
  x: {observed: normal, loc: decoder(z), scale: 1}
guide:
  z: {latent: normal, params: encoder(x), through: [g, above], draw: DRAW}
links:
  f: {implicit: {layers: 1, hidden: [9]}}
  g: {residual: {layers: 1, hidden: [9]}}
  positive: exp
  above: softplus
  decoder: {mlp: [9]}
  encoder: {mlp: [9]}
objective: elbo
"""


def program(folder, draw):
    result, checked = compile(Source("flows.yaml", SPEC.replace("DRAW", draw)))
    assert result is not None, checked.diagnostics
    for file, content in result.files.items():
        (folder / file).write_text(content, encoding="utf-8")
    torch.manual_seed(1)
    return result.files, load(folder).double()


def test_rows_are_drawn_without_a_log_determinant(tmp_path, monkeypatch):
    files, made = program(tmp_path, "pathwise")
    assert (
        "z = self.f.forward_value(prior_z_base)\n        return self.positive.forward_value(z)"
        in files["model.py"]
    )

    def refuse(*given):
        raise AssertionError("a log-determinant was computed")

    monkeypatch.setattr("specc.runtime.bijections.implicit.log_det", refuse)
    rows = made.model.sample(Noise.at(0, dtype=torch.float64), 5)
    assert rows["z"].shape == (5, 12)
    assert rows["z"].min() > 0


def test_a_pathwise_draw_of_a_guide_brings_its_own(tmp_path):
    files, _ = program(tmp_path, "pathwise")
    assert (
        "z, z_log_det = guide.z_forward_and_log_det(z_base, noise=noise)" in files["objective.py"]
    )


def test_a_draw_by_score_goes_back_for_its_density(tmp_path):
    """Its gradient is that of the density at a fixed value, so the push gives the value alone."""
    files, made = program(tmp_path, "{score: mean}")
    assert "z = guide.z_forward(z_base).detach()" in files["objective.py"]
    x = torch.randn(4, 12, dtype=torch.float64)
    drawn, log_q = made.guide.sample_and_log_prob(Noise.at(0, dtype=torch.float64), 3, x=x)
    base, log_det = made.guide.z_inverse_and_log_det(drawn["z"])
    assert log_q.shape == (3, 4)
    loc, scale = made.guide.z_loc_scale(x)
    normal = torch.distributions.Normal(loc, scale)
    torch.testing.assert_close(log_q, normal.log_prob(base).sum(-1) + log_det)
