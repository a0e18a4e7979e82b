"""A log-probability above 0 is called impossible."""

import json

import numpy as np
import pytest

from specc.cli.main import main

SPEC = """specc: 1
name: apart
data: {source: npz, path: d.npz, fields: {v: {from: v, shape: [12]}}}
model:
  j: {parameter: positive, init: 15}
  v: {observed: bernoulli}
  energy: j * sum(v) - j * sum(v) ** 2 / 12
objective: pseudolikelihood
train: {optimizer: {sgd: {lr: 1.0e-9}}, epochs: 1, batch_size: 20}
evaluate:
  few: {estimator: ais, chains: 2, temperatures: 1, data: train}
  all: {estimator: exact, data: train}
"""


def test_chains_that_miss_the_states_of_the_data(tmp_path, monkeypatch, capsys):
    """All units are on or all are off, each with probability 1/2, and two chains find neither."""
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", v=np.repeat([[0.0], [1.0]], 20, axis=0).repeat(12, axis=1))
    (tmp_path / "apart.yaml").write_text(SPEC)
    assert main(["train", "apart.yaml", "--out", "run", "--quiet"]) == 0
    told = capsys.readouterr().out.splitlines()
    found = json.loads((tmp_path / "run" / "result.json").read_text())["evaluate"]
    assert found["all"]["value"] == pytest.approx(np.log(0.5), abs=1e-4)
    assert found["few"]["value"] > 0
    assert [found[name].get("impossible", False) for name in ("few", "all")] == [True, False]
    assert ["impossible" in line for line in told[:2]] == [True, False]
    assert main(["evaluate", "run"]) == 0
    assert "log p(v) is impossible: log p of discrete values" in capsys.readouterr().out
