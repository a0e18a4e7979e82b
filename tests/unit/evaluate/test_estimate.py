from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from specc.cli.main import main
from specc.cli.train import metric_line
from specc.data.load import load
from specc.engine.settings import settings_of
from specc.engine.storage.loaded_run import LoadedRun, fresh
from specc.evaluate import scoring as module
from specc.evaluate.estimate import Estimate, estimate
from specc.evaluate.importance_weights import LogSums
from specc.evaluate.memory import ChunkSize, chunk_size_for, largest
from specc.evaluate.scoring import Request
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.programs import making

Z = 4.5
"""Fails a right program 7 times in a million, for each check."""


def untrained(code: Path, data_dir: Path | None = None) -> LoadedRun:
    """A run of a program as it starts, never trained."""
    manifest = manifests.read(code)
    settings = settings_of(manifest.train)
    device = torch.device("cpu")
    data = load(manifest.data, data_dir, settings.dtype)
    return LoadedRun(code, fresh(code, settings, device), data, settings, device)


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """A model with a guide that is not its posterior, but wider: its weights are bounded."""
    root = tmp_path_factory.mktemp("linear")
    opened = untrained(making.copy("linear", root), making.linear_data(root / "data"))
    with torch.no_grad():
        opened.program.guide.z_log_scale_head.weight.zero_()
        opened.program.guide.z_log_scale_head.bias.fill_(math.log(1.1))
    return opened


@pytest.fixture(scope="module")
def exact(linear):
    x = linear.rows("test").batch(slice(0, 100), None)["x"]
    with torch.no_grad():
        return making.exact_log_prob(linear.program.model, x)


def test_the_bound_rises_with_particles_to_the_exact_value(linear, exact):
    truth = exact.mean().item()
    found = [estimate(linear, Request("iwae", k)) for k in (1, 10, 100, 5000)]
    values = [one.value for one in found]
    assert values == sorted(values)
    assert truth - values[0] > 0.5
    assert abs(values[-1] - truth) < 0.01
    assert found[-1].rows == 100
    error = exact.std().item() / 10
    assert found[-1].standard_error == pytest.approx(error, rel=0.02)


def test_the_error_of_many_particles_is_what_theory_says(linear, exact):
    """The bias of row i is about -Var(w) / (2 K mean(w)^2), and 1 + that variance is K / ESS."""
    found = estimate(linear, Request("iwae", 5000))
    bias = (found.values - exact).mean().item()
    relative_variance = 5000 / found.effective
    # The spread of the mean over 100 rows of errors with standard deviation about sqrt(rv / K).
    assert abs(bias) < Z * math.sqrt(relative_variance / 5000 / 100) + relative_variance / 5000


def test_elbo_is_exact_less_the_divergence_of_the_guide(linear, exact):
    model, guide = linear.program.model, linear.program.guide
    x = linear.rows("test").batch(slice(0, 100), None)["x"]
    with torch.no_grad():
        w, b = model.decoder.weight, model.decoder.bias
        precision = torch.eye(2, dtype=w.dtype) + w.T @ w / model.scale**2
        covariance = torch.linalg.inv(precision)
        loc = (x - b) @ w @ covariance / model.scale**2
        posterior = torch.distributions.MultivariateNormal(loc, covariance)
        z_loc, z_scale = guide.z_loc_scale(x)
        q = torch.distributions.MultivariateNormal(z_loc, torch.diag_embed(z_scale**2))
        truth = exact - torch.distributions.kl_divergence(q, posterior)
    found = estimate(linear, Request("elbo", 4000))
    difference = found.values - truth
    error = difference.std().item() / 10
    assert abs(difference.mean().item()) < Z * error
    assert difference.abs().max() < 1.0


def test_one_particle_makes_the_bounds_one(linear):
    iwae = estimate(linear, Request("iwae", 1))
    elbo = estimate(linear, Request("elbo", 1))
    torch.testing.assert_close(iwae.values, elbo.values)
    assert iwae.effective == pytest.approx(1.0)


def test_a_guide_that_is_the_posterior_needs_one_particle(tmp_path):
    opened = untrained(making.copy("linear", tmp_path), making.linear_data(tmp_path / "data"))
    model, guide = opened.program.model, opened.program.guide
    with torch.no_grad():
        # Orthogonal columns make the posterior's covariance diagonal, as the guide's is.
        w = torch.zeros(5, 2, dtype=torch.float64)
        w[0, 0], w[1, 1] = 2.0, 1.0
        model.decoder.weight.copy_(w)
        variance = 1 / (1 + w.square().sum(0))
        guide.z_loc_head.weight.copy_(variance[:, None] * w.T)
        guide.z_loc_head.bias.copy_(-variance * (w.T @ model.decoder.bias))
        guide.z_log_scale_head.weight.zero_()
        guide.z_log_scale_head.bias.copy_(variance.log() / 2)
        x = opened.rows("test").batch(slice(0, 100), None)["x"]
        truth = making.exact_log_prob(model, x)
    found = estimate(opened, Request("iwae", 3))
    torch.testing.assert_close(found.values, truth, rtol=0, atol=1e-10)
    assert found.effective == pytest.approx(3.0)


def test_rows_and_figures(linear):
    found = estimate(linear, Request("iwae", 7, rows=13))
    assert found.rows == 13
    assert found.summary()["particles"] == 7
    assert estimate(linear, Request("iwae", 7, rows=13)).value == found.value
    assert estimate(linear, Request("iwae", 7, rows=13, seed=1)).value != found.value
    assert estimate(linear, Request("iwae", 7, part="train")).rows == 300


def test_pieces_do_not_change_what_is_estimated(linear, monkeypatch, exact):
    monkeypatch.setattr(module, "BUDGET", 1 << 12)
    small = estimate(linear, Request("iwae", 2000))
    assert abs(small.value - exact.mean().item()) < 0.02


def test_binarized_rows_are_the_same_for_every_piece(tmp_path):
    opened = untrained(making.copy("vae", tmp_path))
    rows = opened.rows("test")
    whole = module.fixed_batch(opened, rows, slice(0, 50), 0)["x"]
    part = module.fixed_batch(opened, rows, slice(20, 30), 0)["x"]
    assert torch.equal(whole[20:30], part)
    assert not torch.equal(whole, module.fixed_batch(opened, rows, slice(0, 50), 1)["x"])


def without_latents(manifest):
    manifest["nodes"]["model"].pop("z")
    manifest["capabilities"].pop("guide.sample_and_log_prob")
    manifest["capabilities"]["model.log_prob"] = ["x"]


def test_an_exact_value_is_used_where_there_is_one(tmp_path):
    code = making.copy("linear", tmp_path, without_latents)
    making.edit(
        code,
        "model.py",
        "    def sample",
        "    def log_prob(self, *, x: Tensor) -> Tensor:\n"
        "        return normal.log_prob(x, self.decoder.bias, 1.0).sum(-1)\n\n    def sample",
    )
    opened = untrained(code, making.linear_data(tmp_path / "data"))
    found = estimate(opened, Request("iwae", 50))
    x = opened.rows("test").batch(slice(0, 100), None)["x"]
    with torch.no_grad():
        normal = torch.distributions.Normal(opened.program.model.decoder.bias, 1.0)
        torch.testing.assert_close(found.values, normal.log_prob(x).sum(-1))
    assert (found.estimator, found.particles, found.effective) == ("exact", 1, None)


def left_out_of_the_guide(manifest):
    """As of a program that sums `y` out of its loss, beside what the guide draws."""
    manifest["nodes"]["model"]["y"] = {**manifest["nodes"]["model"]["z"]}
    manifest["capabilities"]["model.log_joint"] = ["z", "y", "x"]


@pytest.mark.parametrize(
    ("change", "wanted", "says"),
    [
        (left_out_of_the_guide, "iwae", "the guide draws other latents, but not `y`"),
        (
            lambda m: m["capabilities"].pop("guide.sample_and_log_prob"),
            "iwae",
            "no `guide.sample_and_log_prob`",
        ),
        (lambda m: None, "exact", "no `model.log_prob`"),
        (
            lambda m: m["nodes"]["model"]["z"].update({"global": True}),
            "iwae",
            "`z` is shared by all rows",
        ),
    ],
)
def test_what_a_program_does_not_allow(tmp_path, change, wanted, says):
    opened = untrained(making.copy("linear", tmp_path, change), making.linear_data(tmp_path / "d"))
    with pytest.raises(RunFailure) as failure:
        estimate(opened, Request(wanted, 5))
    assert failure.value.code == "E0813"
    assert says in failure.value.message
    assert failure.value.hint


def test_progress_runs_to_the_end_and_may_stop_the_work(linear):
    shares = []
    estimate(linear, Request("iwae", 5000), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate(linear, Request("iwae", 5000), stop)


def test_log_sums():
    log_w = torch.from_numpy(np.random.default_rng(0).normal(size=(1000, 5)) * 30 - 2000)
    sums = LogSums(5, torch.device("cpu"))
    for part in log_w.split(7):
        sums.add(part)
    w = (log_w - log_w.amax(0)).exp()
    expected = w.mean(0).log() + log_w.amax(0)
    torch.testing.assert_close(sums.log_mean(), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(sums.effective(), w.sum(0) ** 2 / w.square().sum(0))
    torch.testing.assert_close(sums.mean_log(), log_w.mean(0))


def test_impossible_particles_count_for_nothing():
    sums = LogSums(1, torch.device("cpu"))
    sums.add(torch.tensor([[-math.inf], [0.0]]))
    sums.add(torch.tensor([[-math.inf]]))
    assert sums.log_mean().item() == pytest.approx(-math.log(3))
    assert sums.effective().item() == pytest.approx(1.0)


@pytest.mark.parametrize("each", [0.1, 100.0, 1e6, 1e12])
@pytest.mark.parametrize("rows", [1, 10_000])
@pytest.mark.parametrize("particles", [1, 5000])
def test_pieces_keep_to_their_budget(each, rows, particles):
    piece = chunk_size_for(each, rows, particles, 1 << 20)
    assert 1 <= piece.rows <= rows
    assert 1 <= piece.particles <= particles
    assert piece == ChunkSize(1, 1) or piece.rows * piece.particles * each <= 1 << 20


def test_largest_sees_every_tensor():
    assert largest(lambda: (torch.zeros(10, 10) + 1).sum()) == 400


def of_sequences(values, steps):
    return Estimate(
        request=Request("test", "exact"),
        of="log p(x)",
        estimator="exact",
        value=values.mean().item(),
        standard_error=0.0,
        rows=len(values),
        particles=0,
        effective=None,
        untrusted=None,
        seconds=0.0,
        values=values,
        steps=steps,
    )


def test_long_rows_count_for_more():
    values, steps = torch.tensor([-2.0, -30.0]).double(), torch.tensor([1.0, 10.0]).double()
    found = of_sequences(values, steps).summary()
    assert found["value_per_step"] == pytest.approx(-32 / 11)
    assert metric_line("test", found).endswith(
        f"; -2.909 +- {found['standard_error_per_step']:.3f} a step"
    )


def test_the_error_is_that_of_a_ratio():
    """Rows that all have the same value a step leave no error, however their lengths differ."""
    steps = torch.tensor([3.0, 8.0, 1.0]).double()
    assert of_sequences(-2 * steps, steps).summary()["standard_error_per_step"] == pytest.approx(
        0.0
    )
    torch.manual_seed(0)
    ratios, errors = [], []
    for _ in range(400):
        steps = torch.randint(1, 9, (200,)).double()
        found = of_sequences(-steps + torch.randn(200).double(), steps).summary()
        ratios.append(found["value_per_step"])
        errors.append(found["standard_error_per_step"])
    spread = torch.tensor(ratios).std().item()
    assert torch.tensor(errors).mean().item() == pytest.approx(spread, rel=0.15)


def test_rows_without_steps_have_no_value_per_step():
    assert "value_per_step" not in of_sequences(torch.zeros(2), None).summary()


APART = """specc: 1
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
    (tmp_path / "apart.yaml").write_text(APART)
    assert main(["train", "apart.yaml", "--out", "run", "--quiet"]) == 0
    told = capsys.readouterr().out.splitlines()
    found = json.loads((tmp_path / "run" / "result.json").read_text())["evaluate"]
    assert found["all"]["value"] == pytest.approx(np.log(0.5), abs=1e-4)
    assert found["few"]["value"] > 0
    assert [found[name].get("impossible", False) for name in ("few", "all")] == [True, False]
    assert ["impossible" in line for line in told[:2]] == [True, False]
    assert main(["evaluate", "run"]) == 0
    assert "log p(v) is impossible: log p of discrete values" in capsys.readouterr().out
