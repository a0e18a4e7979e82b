"""Counts with an exposure: the estimate of the rate is total counts / total exposure."""

import math

import pytest
import torch

from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed
from tests.unit.cli.running import run

SPEC = """specc: 1
name: exposure
data: {source: csv, path: data.csv, fields: {y: {from: y, shape: []}, e: {from: e, shape: []}}}
model:
  e: {given: e}
  b: {parameter: positive, shape: []}
  y: {observed: poisson, rate: %s}
objective: mle
"""
COUNTS, EXPOSURES = [0.0, 3.0, 1.0, 0.0], [0.0, 10.0, 2.5, 1.0]


def test_the_likelihood_is_highest_at_counts_over_exposure(tmp_path):
    """A row with an exposure of 0 has a count of 0 and does not affect the rate."""
    made = program(SPEC % "b * e", tmp_path)
    batch = {
        name: torch.tensor(values, dtype=torch.float64)
        for name, values in (("y", COUNTS), ("e", EXPOSURES))
    }
    with torch.no_grad():
        made.model.log_b.fill_(math.log(4.0 / 13.5))
    loss, *_ = computed(made, batch, Noise.at(0, dtype=torch.float64), 4)
    (slope,) = torch.autograd.grad(loss, [made.model.log_b])
    assert abs(slope.item()) < 1e-12
    rates = [4.0 / 13.5 * e for e in EXPOSURES]
    each = [
        y * math.log(r or 1.0) - r - math.lgamma(y + 1) for y, r in zip(COUNTS, rates, strict=True)
    ]
    assert abs(loss.item() + sum(each) / 4) < 1e-12


@pytest.mark.parametrize("rate", ["b * e", "exp(log(b) + log(e))", "b * sqrt(e)", "e * exp(b)"])
def test_a_negative_exposure_is_refused_with_its_row(rate, tmp_path, capsys):
    (tmp_path / "spec.yaml").write_text(SPEC % rate, encoding="utf-8")
    rows = [f"{y:g},{e:g}" for y, e in zip(COUNTS[1:], EXPOSURES[1:], strict=True)]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["y,e", *rows]), encoding="utf-8")
    arguments = ("data", tmp_path / "spec.yaml", "--data-dir", tmp_path)
    assert run(capsys, *arguments).code == 0
    path.write_text("\n".join(["y,e", *rows, "2,-1"]), encoding="utf-8")
    found = run(capsys, *arguments)
    assert found.code != 0
    assert "`e`: row 5 of data.csv is -1, but the model needs a number" in found.out + found.err
