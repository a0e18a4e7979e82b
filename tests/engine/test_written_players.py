"""A spec with two players, one with state: trained, resumed, compiled, and on two processes."""

from __future__ import annotations

import pytest
import torch

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.decomposition import loss_terms
from tests.engine.interruption import interrupted
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_distributed import ended, start
from tests.engine.test_loss_state import stepping
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash

NVIL = """\
specc: 1
name: nvil
doc: A sigmoid belief net with a baseline that a player of its own learns (Mnih and Gregor, 2014).
data: {source: digits, fields: {x: {from: image, binarize: threshold}}}
model:
  h: {latent: bernoulli, logits: 0, shape: [20]}
  x: {observed: bernoulli, logits: decoder(h)}
guide:
  h: {latent: bernoulli, logits: encoder(x), draw: {score: {baseline: running}}}
  b: {let: baseline(x), shape: []}
links:
  decoder: linear
  encoder: linear
  baseline: {mlp: [10], activation: tanh}
objective:
  players:
    bound: {minimize: "-elbo(model, guide)", links: [decoder, encoder]}
    critic: {minimize: "(stop(elbo(model, guide)) - guide.b) ** 2", links: [baseline]}
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 100, epochs: 3}
"""
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def made(folder, text=NVIL):
    result, checked = compile(Source("nvil.yaml", text))
    assert result is not None, checked.diagnostics
    code = folder / "nvil"
    code.mkdir(parents=True)
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    return code


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("players")
    code = made(root)
    train.train(code, root / "run", QUIET)
    return code, root / "run"


def test_both_players_learn(finished):
    first, *_, last = losses(finished[1])
    assert last["loss"] < first["loss"] - 5
    assert last["parts"]["critic loss"] < first["parts"]["critic loss"] / 2


def test_each_changes_its_own_parameters_and_the_state(tmp_path):
    step = stepping(made(tmp_path))
    before = {name: p.detach().clone() for name, p in step.program.named_parameters()}
    step(0, 0, torch.arange(100))
    assert all(not torch.equal(before[n], p) for n, p in step.program.named_parameters())
    mean = step.state.tensors["bound"]["h_baseline"].clone()
    found = step(0, 1, torch.arange(100))
    signal_ = dict(zip(found.names, found.values, strict=True))["bound log p(x | h)"]
    now = step.state.tensors["bound"]["h_baseline"]
    torch.testing.assert_close(now, 0.9 * mean + 0.1 * signal_)


def test_interrupted_and_resumed_is_uninterrupted(finished, tmp_path):
    code, run = finished
    with interrupted(epoch=1, number=5):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(run)
    assert losses(tmp_path / "run") == losses(run)


@pytest.mark.slow
@compiles
def test_compiled_steps_are_the_eager_ones(tmp_path):
    eager, compiled = (stepping(made(tmp_path / name)) for name in "ab")
    compile_step(compiled)
    for number in range(3):
        index = torch.arange(100) + 100 * number
        mine, theirs = compiled(0, number, index), eager(0, number, index)
        assert torch.allclose(mine.values, theirs.values, rtol=1e-4, atol=CLOSE)
    mean = [s.state.tensors["bound"]["h_baseline"] for s in (eager, compiled)]
    torch.testing.assert_close(*mean)


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(tmp_path):
    text = NVIL.replace("epochs: 3", "epochs: 2")
    train.train(made(tmp_path / "a", text.replace("epochs: 2", "epochs: 2, accumulate: 2")),
                tmp_path / "one", QUIET)  # fmt: skip
    codes, said = ended(start(made(tmp_path / "b", text), tmp_path / "two"))
    assert codes == [0, 0], said
    mine, theirs = (losses(tmp_path / name)[-1]["parts"] for name in ("one", "two"))
    assert mine.keys() == theirs.keys()
    assert all(mine[name] == pytest.approx(theirs[name], rel=1e-3, abs=1e-3) for name in mine)


SETTINGS = "steps: 2, optimizer: {sgd: {lr: 0.001}}, schedule: {linear: {final: 0.5}}, clip: 1.0"
OWN = NVIL.replace("links: [baseline]", f"links: [baseline], {SETTINGS}")


def test_a_player_trains_with_its_own_settings(tmp_path):
    """The critic alone makes two SGD updates with clipping in each step."""
    step = stepping(made(tmp_path, OWN))
    bound, critic = step.players
    assert isinstance(bound.optimizer, torch.optim.Adam)
    assert isinstance(critic.optimizer, torch.optim.SGD)
    assert [(p.settings.clip, p.settings.steps) for p in step.players] == [(None, 1), (1.0, 2)]
    for player in step.players:
        player.set_rate(50, 100, 0)
    rates = [player.optimizer.param_groups[0]["lr"] for player in step.players]
    assert rates == pytest.approx([0.01, 0.75 * 0.001])
    before = [p.detach().clone() for p in critic.parameters]
    step(0, 0, torch.arange(100), torch.arange(100, 200))
    moved = [now.detach() - was for was, now in zip(before, critic.parameters, strict=True)]
    length = torch.stack([each.norm() for each in moved]).norm()
    assert 0.75 * 0.001 < length <= 2 * 0.75 * 0.001 * 1.0001


def test_a_run_with_settings_of_players_is_one(tmp_path):
    code = made(tmp_path, OWN.replace("epochs: 3", "epochs: 1"))
    train.train(code, tmp_path / "run", QUIET)
    last = losses(tmp_path / "run")[-1]
    assert {"bound loss", "critic loss"} <= last["parts"].keys()
    assert last["bound lr"] == 0.01
    assert 0.0005 < last["critic lr"] < 0.0006, "the linear schedule ends at half of 0.001"


def test_the_parts_of_each_loss_are_reported_under_its_player(finished):
    """The bound is its terms; `critic` has its value alone, since its densities are in a square."""
    found = {name: own.value for name, own in loss_terms(load_run(finished[1])).items()}
    assert {name for name in found if name.startswith("critic")} == {"critic objective"}
    terms = found["bound log p(x | h)"], found["bound KL(q(h | x) || p(h))"]
    assert found["bound elbo"] == pytest.approx(terms[0] - terms[1], rel=1e-5)


WGAN = """\
specc: 1
name: wgan
data: {source: toy, density: ring, rows: 200, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {let: generator(z), shape: [2]}
links: {generator: {mlp: [8]}, d: {mlp: [8]}}
objective:
  players:
    critic: {minimize: d(model.x) - d(data.x), links: [d], steps: 2, clip_weights: 0.01}
    generator: {minimize: -d(model.x), links: [generator]}
train: {batch_size: 50, epochs: 2}
"""


def test_weights_are_clipped_after_each_update_of_the_player_alone(tmp_path):
    step = stepping(made(tmp_path, WGAN))
    step(0, 0, torch.arange(50), torch.arange(50, 100))
    critic, generator = (list(p.parameters()) for p in (step.program.networks, step.program.model))
    assert max(p.abs().max().item() for p in critic) == pytest.approx(0.01)
    assert max(p.abs().max().item() for p in generator) > 0.05


def test_players_of_values_resume_bit_for_bit(tmp_path):
    code = made(tmp_path, WGAN)
    train.train(code, tmp_path / "whole", QUIET)
    with interrupted(epoch=1, number=1):
        fails("E0812", code, tmp_path / "half", QUIET)
    train.train(code, tmp_path / "half", RESUME)
    assert weights_hash(tmp_path / "half") == weights_hash(tmp_path / "whole")
