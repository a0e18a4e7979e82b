"""Runs of energies of networks: resuming, samples, and a chain that diverges."""

import numpy as np
import pytest

from specc.cli.main import main
from tests.engine.interruption import interrupted
from tests.engine.test_train import state_hash, weights_hash

SPEC = """specc: 1
name: small
data: {source: toy, density: moons, rows: 300, fields: {x: {from: x}}}
model:
  x: {observed: normal, draw: {%s}}
  energy: "f(x) + sum(x ** 2) / 20"
links: {f: {mlp: [8], activation: silu}}
objective: %s
train: {batch_size: 60, epochs: 2}
evaluate: {sliced: {metric: sliced_wasserstein, rows: 20}}
"""
CD = "{cd: {steps: 2, persistent: true, chains: 30}}"
RUNS = {
    "langevin": SPEC % ("langevin: {step_size: 0.01}", CD),
    "hmc": SPEC % ("hmc: {step_size: 0.1, leapfrog: 2}", CD),
    "denoising": SPEC % ("mala: {step_size: 0.05}", "{denoising_score_matching: {sigma: 0.3}}"),
}


def train(spec, out, *more):
    return main(["train", str(spec), "--out", str(out), "--threads=1", "--quiet", *more])


@pytest.fixture(scope="module", params=RUNS)
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.yaml").write_text(RUNS[request.param])
    assert train(folder / "small.yaml", folder / "whole") == 0
    return folder / "whole"


def test_interrupted_and_resumed_is_uninterrupted(trained, tmp_path):
    """The chains go on where they stopped, bit for bit."""
    out, spec = tmp_path / "run", trained.parent / "small.yaml"
    with interrupted(epoch=1, number=0):
        assert train(spec, out) != 0
    assert weights_hash(out) != weights_hash(trained)
    assert train(spec, out, "--resume") == 0
    assert weights_hash(out) == weights_hash(trained)
    if (trained.parent / "small.yaml").read_text().count("persistent"):
        assert state_hash(out) == state_hash(trained)


def test_samples_are_points(trained, tmp_path):
    out = tmp_path / "drawn.npz"
    assert main(["sample", str(trained), "--rows", "7", "--out", str(out)]) == 0
    drawn = np.load(out)["x"]
    assert drawn.shape == (7, 2)
    assert np.isfinite(drawn).all()


def test_a_chain_that_diverges_is_named(tmp_path, capsys):
    spec = tmp_path / "small.yaml"
    text = (SPEC % ("langevin: {step_size: 100.0}", CD)).replace("sum(x ** 2)", "sum(x ** 4)")
    spec.write_text(text)
    assert train(spec, tmp_path / "run", "--set=train.epochs=20") == 3
    shown = capsys.readouterr().err
    assert "E0804" in shown
    assert "a chain left the finite numbers, and a smaller `step_size:` may help" in shown
    assert "small.yaml:6" in shown
