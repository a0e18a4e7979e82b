"""A run with an energy above a directed net: training, commands, and the bound on log p(x)."""

import itertools

import pytest
import torch

from specc.cli.main import main
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request, fixed_batch
from tests.engine.interruption import interrupted
from tests.engine.test_train import state_hash, weights_hash

SPEC = """specc: 1
name: net
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [6, 4], init: {normal: 0.5}}
  b: {parameter: real, shape: [6], init: zeros}
  c: {parameter: real, shape: [4], init: zeros}
  h: {latent: bernoulli, shape: [6]}
  g: {latent: bernoulli, shape: [4]}
  energy: "-(h @ w @ g) - b @ h - c @ g"
  x: {observed: bernoulli, logits: down(h)}
guide:
  h: {latent: bernoulli, logits: up(x)}
links: {down: linear, up: linear}
objective:
  players:
    wake: {minimize: -log_prob(model.x), links: [down]}
    top: {minimize: cd(model), chain: {persistent: true, chains: 10}, links: [w, b, c]}
    sleep: {minimize: "-log_prob(guide.h, at=model)", chain: {steps: 2}, links: [up]}
train: {optimizer: {adam: {lr: 0.02}}, batch_size: 100, epochs: 4}
"""


def train(folder, out, *more):
    path = folder / "net.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return main(["train", str(path), "--out", str(out), "--threads=1", "--quiet", *more])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("net")
    assert train(folder, folder / "run") == 0
    return folder / "run"


def test_interrupted_and_resumed_is_uninterrupted(run, tmp_path):
    """The weights are the same, and so are the persistent chains of the top."""
    out = tmp_path / "run"
    with interrupted(epoch=2, number=1):
        assert train(tmp_path, out) != 0
    assert train(tmp_path, out, "--resume") == 0
    for hash_of in (weights_hash, state_hash):
        assert hash_of(out) == hash_of(run)


@pytest.mark.parametrize("verb", [["sample", "--rows", "4"], ["report"], ["evaluate"]])
def test_a_command_works_on_the_run(run, verb, capsys):
    assert main([verb[0], str(run), *verb[1:]]) == 0, capsys.readouterr().err


def log_p(model, x):
    """log p(x), with all states of the units summed."""
    h, g = (
        torch.tensor(list(itertools.product((0.0, 1.0), repeat=size)), dtype=x.dtype)
        for size in (6, 4)
    )
    log_top = -model.energy(h.repeat_interleave(16, 0), g.repeat(64, 1)).view(64, 16)
    log_h = log_top.logsumexp(1) - log_top.logsumexp((0, 1))
    each = -torch.nn.functional.binary_cross_entropy_with_logits(
        model.x_logits(h)[:, None].expand(-1, len(x), -1), x.expand(64, -1, -1), reduction="none"
    ).sum(-1)
    return (log_h[:, None] + each).logsumexp(0)


@pytest.fixture(scope="module")
def loaded(run):
    return load_run(run)


def test_the_bound_is_below_log_p_and_reaches_it(loaded):
    """On the same rows, by one draw of the guide for each and by 2,000."""
    few, many = (estimate(loaded, Request(particles=n, rows=50)) for n in (1, 2000))
    rows = loaded.rows("test", ["x"])
    with torch.no_grad():
        x = fixed_batch(loaded, rows, slice(0, 50), 0)["x"]
        exact = log_p(loaded.program.model, x).double()
    assert many.log_z is not None and many.log_z.is_exact
    assert many.value < exact.mean() + 0.02
    assert few.value < exact.mean() - 0.2
    assert abs(many.value - exact.mean()) < 0.1
    assert ((many.values - exact).abs() < 1.0).all()


def test_the_bound_needs_log_z(loaded, monkeypatch):
    """Without it, the value is far above log p."""
    monkeypatch.setattr("specc.evaluate.energies.log_z.enumeration.log_z", lambda model: 0.0)
    with torch.no_grad():
        whole = estimate(loaded, Request(particles=100, rows=50)).value
    monkeypatch.undo()
    assert whole > estimate(loaded, Request(particles=100, rows=50)).value + 1
