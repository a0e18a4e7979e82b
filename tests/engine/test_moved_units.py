"""Runs of energies of networks: resuming, samples, and a chain that diverges."""

import math

import numpy as np
import pytest
import torch

from specc.cli.main import main
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request, fixed_batch
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


@pytest.fixture(
    scope="module", params=[pytest.param("langevin", marks=pytest.mark.slow), "hmc", "denoising"]
)
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


ABOVE = """specc: 1
name: above
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [3]}}, split: {test: 0.1}}
model:
  z: {latent: normal, shape: [1], draw: {mala: {step_size: 0.1}}}
  energy: "f(z) + sum(z ** 2) / 2"
  x: {observed: normal, loc: decoder(z), scale: 1}
guide: {z: {latent: normal, params: encoder(x)}}
links: {f: {mlp: [8]}, decoder: linear, encoder: linear}
objective: {wake_sleep: {steps: 2}}
train: {batch_size: 60, epochs: 2}
evaluate: {test: {estimator: iwae, particles: 10, chains: 2, temperatures: 4, rows: 4}}
"""


def test_a_latent_that_a_chain_moves_above_a_net(tmp_path):
    """Its log Z is by Hamiltonian Monte Carlo; both are the integrals over a grid of z."""
    (tmp_path / "above.yaml").write_text(ABOVE)
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(1).normal(size=(300, 3)))
    data = "--data-dir", str(tmp_path)
    assert train(tmp_path / "above.yaml", tmp_path / "run", *data) == 0
    loaded = load_run(tmp_path / "run", data_dir=tmp_path)
    z = torch.linspace(-12, 12, 4001)[:, None]
    width = math.log(z[1, 0] - z[0, 0])
    request = Request(particles=1000, rows=20, chains=200, temperatures=30, direction="both")
    found = estimate(loaded, request)
    with torch.no_grad():
        model = loaded.program.model
        log_weights = -model.energy(z).double()
        log_z = log_weights.logsumexp(0).item() + width
        rows = loaded.rows("test", ["x"])
        x = fixed_batch(loaded, rows, slice(0, 20), 0)["x"]
        away = (x[:, None] - model.decoder(z)).double().square().sum(-1)
        log_p = (log_weights - away / 2 - 1.5 * math.log(2 * math.pi)).logsumexp(1) + width - log_z
    for way in (found.log_z.forward, found.log_z.backward):
        assert abs(way.value - log_z) < 4 * way.standard_error
        assert abs(way.value - log_z - 0.3) > 4 * way.standard_error
    gaps = found.values - log_p
    assert gaps.median().abs() < 0.05 and gaps.max() < 0.5
