"""The likelihood of data under a compiled program with an energy, against sums over all states."""

import json
import math

import pytest
import torch

from specc.cli.train import metric_line
from specc.compiler import compile
from specc.data.load import load
from specc.diagnostics.source import Source
from specc.engine.settings import settings_of
from specc.engine.storage.loaded_run import LoadedRun, fresh
from specc.evaluate.energies import density
from specc.evaluate.energies.density import EnergyDensity
from specc.evaluate.energies.log_z import Annealing
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request
from specc.runtime import manifest as manifests
from tests.oracles.energies import binary

BINARY = """
specc: 1
name: made
data: {source: digits, fields: {v: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [64, 8]}
  a: {parameter: real, shape: [64]}
  b: {parameter: real, shape: [8]}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [8]}
  energy: "-(v @ w @ h) - a @ v - b @ h"
objective: {cd: {steps: 1}}
"""
REAL = BINARY.replace(", binarize: sample", "").replace(
    "v: {observed: bernoulli}", "v: {observed: normal}"
)
REAL = REAL.replace('"-(v @ w @ h) - a @ v', '"sum((v - a) ** 2) - (v @ w @ h)')


def untrained(text, folder):
    """A run of a spec with random weights."""
    result, checked = compile(Source("made.yaml", text))
    assert result is not None, checked.diagnostics
    folder.mkdir()
    for name, content in result.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    manifest = manifests.read(folder)
    settings = settings_of(manifest.train)
    device = torch.device("cpu")
    data = load(manifest.data, None, settings.dtype)
    run = LoadedRun(folder, fresh(folder, settings, device), data, settings, device)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in run.program.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return run


@pytest.fixture(scope="module", params=[BINARY, REAL], ids=["binary", "real"])
def run(request, tmp_path_factory):
    return untrained(request.param, tmp_path_factory.mktemp("density") / "made")


def truth(run):
    """Log p of the test rows: v is summed out by hand, and h is enumerated."""
    model = run.program.model
    w, a, b = (value.detach().double() for value in (model.w, model.a, model.b))
    h = binary(8)
    c = h @ w.T
    if run.manifest.energy.units["v"].distribution == "bernoulli":
        sums = torch.nn.functional.softplus(c + a, threshold=40).sum(1)
    else:
        # int exp(-(v - a)^2 + c v) dv = sqrt(pi) exp(a c + c^2 / 4)
        sums = (a * c + c**2 / 4).sum(1) + 64 * 0.5 * math.log(math.pi)
    log_z = (h @ b + sums).logsumexp(0)
    drawn = run.manifest.fields["v"].binarize == "sample"
    return log_z.item(), None if drawn else run.rows("test").batch(slice(0, 40), None)


def test_the_exact_value(run):
    log_z, rows = truth(run)
    found = estimate(run, Request("exact", rows=40))
    assert found.log_z.value == pytest.approx(log_z, abs=1e-5)
    assert found.log_z.is_exact and found.statement.startswith("exact: log Z is exact")
    assert (found.estimator, found.particles, found.effective) == ("exact", 1, None)
    if rows is not None:
        with torch.no_grad():
            expected = -run.program.model.free_energy(rows["v"]).double() - log_z
        torch.testing.assert_close(found.values, expected, rtol=0, atol=1e-3)
    assert estimate(run, Request("iwae", rows=40)).value == found.value
    assert metric_line("test", found.summary()).startswith("test: log p(v) = ")


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_annealing_agrees_with_the_exact_value(run, direction):
    log_z, _ = truth(run)
    request = Request("ais", rows=40, chains=200, temperatures=200, direction=direction)
    found = estimate(run, request)
    assert abs(found.log_z.value - log_z) < 4.5 * found.log_z.standard_error
    exact = estimate(run, Request("exact", rows=40))
    assert found.value - exact.value == pytest.approx(
        exact.log_z.value - found.log_z.value, abs=1e-4
    )
    assert found.standard_error > exact.standard_error
    assert found.standard_error == pytest.approx(
        math.hypot(exact.standard_error, found.log_z.standard_error), rel=1e-3
    )
    assert found.statement.startswith("an estimate: ")
    summary = json.loads(json.dumps(found.summary()))
    assert summary["log_z"]["value"] == found.log_z.value
    assert "(ais, 200 chains, 200 temperatures, 40 rows of `test`)" in metric_line("test", summary)
    assert "log p(v) ~ " in metric_line("test", summary)


def test_it_repeats_and_reports_progress(run):
    seen = []
    request = Request("ais", rows=40, chains=20, temperatures=100)
    first = estimate(run, request, seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 50
    assert estimate(run, request).value == first.value
    assert estimate(run, Request("ais", rows=40, chains=20, temperatures=100, seed=1)) != first


NET = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [9, 6]}
  b: {parameter: real, shape: [9]}
  c: {parameter: real, shape: [6]}
  h: {latent: bernoulli, shape: [9]}
  g: {latent: bernoulli, shape: [6]}
  energy: "-(h @ w @ g) - b @ h - c @ g"
  x: {observed: bernoulli, logits: down(h)}
guide:
  h: {latent: bernoulli, logits: up(x)}
links: {down: linear, up: linear}
objective: {wake_sleep: {steps: 1}}
"""


def test_annealing_above_a_net_starts_at_the_rates_of_all_units(tmp_path, monkeypatch):
    """With one temperature the ratio of the two densities at the start is all there is."""
    run = untrained(NET, tmp_path / "made")
    model = run.program.model
    with torch.no_grad():
        model.c.copy_(-6 + model.c)  # the units that the guide does not draw are rarely on
        h, g = binary(9), binary(6)
        w, b, c = (value.double() for value in (model.w, model.b, model.c))
        exact = ((h @ w @ g.T) + (h @ b)[:, None] + g @ c).logsumexp((0, 1)).item()

    def deviation():
        """That of log Z, with its standard error."""
        options = Annealing(2000, 1)
        found = EnergyDensity.of_top(run, options)
        assert found is not None and found.estimator == "exact"
        assert found.log_z().value == pytest.approx(exact, abs=1e-5)
        log_z = EnergyDensity(run, found.model, "ais", options, is_top=True).log_z()
        return abs(log_z.value - exact), log_z.standard_error

    far, error = deviation()
    assert far < 4.5 * error and error < 0.1
    monkeypatch.setattr(density, "completed", lambda model, known, noise: known)
    assert deviation()[1] > 3 * error
