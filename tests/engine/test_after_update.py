"""Tensors that follow parameters: in every kind of step, in checkpoints, and after resuming."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import torch

from specc.codegen.standalone import standalone
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from specc.engine.step.step import Step
from specc.engine.storage import checkpoint
from specc.engine.storage.loaded_run import load_run
from specc.engine.train import Options
from tests.engine.interruption import interrupted
from tests.engine.test_compiled import CLOSE, compiles
from tests.engine.test_distributed import ended, start
from tests.engine.test_loss_state import stepping
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash

SPEC = """\
specc: 1
name: normalized
data: {source: toy, density: ring, rows: 1000, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {let: generator(z), shape: [2]}
links:
  generator: {mlp: [8]}
  critic: {mlp: [8, 8], activation: tanh, spectral_norm: true}
  teacher: {ema: {of: critic, decay: 0.9}}
objective:
  players:
    critic:
      minimize: "critic(model.x) - critic(data.x) + (critic(data.x) - teacher(data.x)) ** 2"
      links: [critic]
      steps: 2
    generator: {minimize: "-critic(model.x)", links: [generator]}
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 100, epochs: 2}
"""
FOLLOWS = [f"networks.critic.{n}.{end}" for n in (0, 2) for end in "uv"]
FOLLOWS += [f"networks.teacher.{n}.{end}" for n in (0, 2) for end in ("weight", "bias", "u", "v")]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def made(folder, text=SPEC):
    result, checked = compile(Source("normalized.yaml", text))
    assert result is not None, checked.diagnostics
    code = folder / "normalized"
    code.mkdir(parents=True)
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    return code


def followers(step):
    state = step.program.state_dict()
    return {name: state[name].clone() for name in FOLLOWS}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in FOLLOWS)


def steps(step, count, first=0):
    for number in range(first, first + count):
        rows = [torch.arange(100) + 100 * ((number + k) % 9) for k in (0, 1)]
        found = step(0, number, *rows)
    return found


def iterated(weight, u):
    v = torch.nn.functional.normalize(weight.mT @ u, dim=0)
    return torch.nn.functional.normalize(weight @ v, dim=0), v


def test_each_update_of_the_weights_makes_one_iteration(tmp_path, monkeypatch):
    step = stepping(made(tmp_path))
    layer = step.program.networks.critic[2]
    update, seen = Step._update, []

    def watched(self, player, *arguments):
        seen.append((player.loss.name, layer.u.clone()))
        return update(self, player, *arguments)

    monkeypatch.setattr(Step, "_update", watched)
    steps(step, 1)
    assert [name for name, _ in seen] == ["critic", "critic", "generator"]
    (_, first), (_, second), (_, third) = seen
    assert not torch.equal(first, second)
    u, v = iterated(layer.weight, second)
    torch.testing.assert_close(third, u)
    assert torch.equal(layer.u, third)
    torch.testing.assert_close(layer.v, v)


def test_an_average_moves_after_each_update_of_what_it_follows(tmp_path, monkeypatch):
    """theta' = 0.9 theta' + 0.1 theta after both updates of the critic, from theta' = theta."""
    step = stepping(made(tmp_path))
    networks = step.program.networks
    own, of = (dict(net.named_parameters()) for net in (networks.teacher, networks.critic))
    assert own.keys() == of.keys() and all(torch.equal(own[n], of[n]) for n in own)
    assert not any(p.requires_grad for p in own.values())
    wanted = {name: p.detach().clone() for name, p in of.items()}
    update = Step._update

    def watched(self, player, *arguments):
        found = update(self, player, *arguments)
        if player.loss.name == "critic":
            for name in wanted:
                wanted[name] = 0.9 * wanted[name] + 0.1 * of[name].detach()
        return found

    monkeypatch.setattr(Step, "_update", watched)
    steps(step, 3)
    for name, value in own.items():
        torch.testing.assert_close(value, wanted[name])
        assert value.grad is None
        assert not torch.allclose(value, of[name])


def test_an_average_follows_players_that_move_at_the_same_time(tmp_path):
    text = SPEC.replace("  players:", "  order: simultaneous\n  players:")
    step = stepping(made(tmp_path, text.replace("      steps: 2\n", "")))
    networks = step.program.networks
    before = networks.critic[0].weight.detach().clone()
    step(0, 0, torch.arange(100))
    moved = networks.critic[0].weight.detach()
    assert not torch.equal(moved, before)
    torch.testing.assert_close(networks.teacher[0].weight, 0.9 * before + 0.1 * moved)
    u, _ = iterated(moved, networks.critic[0].u)
    assert torch.dot(u, networks.critic[0].u) > 0.99


def test_no_optimizer_has_an_average(tmp_path):
    step = stepping(made(tmp_path))
    assert not any(name.startswith("networks.teacher") for p in step.players for name in p.names)


def test_an_update_that_is_skipped_leaves_them(tmp_path):
    step = stepping(made(tmp_path))
    before = followers(step)
    with torch.no_grad():
        step.program.model.generator[0].weight[0, 0] = float("nan")
    assert steps(step, 1).skipped == 1.0
    assert same(followers(step), before)


def test_neither_validation_nor_evaluation_changes_them(tmp_path):
    step = stepping(made(tmp_path))
    steps(step, 1)
    before = followers(step)
    step.measure(step.rows, 100)
    assert same(followers(step), before)


def test_pieces_of_a_batch_make_the_step_of_the_whole(tmp_path):
    """The loss depends on the data alone, since micro-batches draw different random numbers."""
    text = SPEC.replace("critic(model.x) - critic(data.x)", "(critic(data.x) - 1) ** 2")
    whole = stepping(made(tmp_path / "a", text))
    parts = stepping(made(tmp_path / "b", text.replace("epochs: 2", "epochs: 2, accumulate: 4")))
    start = followers(whole)
    for step in (whole, parts):
        steps(step, 3)
    mine, theirs = followers(parts), followers(whole)
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-5) for name in FOLLOWS)
    assert not any(torch.allclose(start[name], theirs[name], atol=1e-5) for name in FOLLOWS)


@compiles
def test_a_compiled_step_changes_them_as_the_eager_one(tmp_path):
    """The gradient of the last bias is 0 at first, and Adam would make its rounding a step."""
    text = SPEC.replace("lr: 0.01", "lr: 0.01, eps: 0.001")
    eager, compiled = (stepping(made(tmp_path / name, text)) for name in "ab")
    compile_step(compiled)
    assert len(compiled.compiled) == 2
    for number in range(3):
        mine, theirs = steps(compiled, 1, number), steps(eager, 1, number)
        assert torch.allclose(mine.values, theirs.values, rtol=1e-4, atol=CLOSE)
    one, other = followers(compiled), followers(eager)
    assert all(torch.allclose(one[name], other[name], atol=1e-4) for name in FOLLOWS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("normalized")
    code = made(root)
    train.train(code, root / "run", QUIET)
    return code, root / "run"


def test_interrupted_and_resumed_is_uninterrupted(finished, tmp_path):
    code, run = finished
    with interrupted(epoch=1, number=3):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(run)
    assert losses(tmp_path / "run") == losses(run)


def test_a_checkpoint_has_them_and_an_open_run_too(finished):
    _, run = finished
    stored, opened = checkpoint.latest(run).weights, load_run(run).program.state_dict()
    assert set(FOLLOWS) <= set(stored)
    assert all(torch.equal(stored[name], opened[name]) for name in FOLLOWS)


def test_a_warm_start_has_vectors_of_the_weights_that_it_loads(finished, tmp_path):
    """The checkpoint of a run without normalization has no u and v."""
    plain = made(tmp_path / "plain", SPEC.replace(", spectral_norm: true", ""))
    train.train(plain, tmp_path / "run", QUIET)
    text = SPEC.replace("epochs: 2", "steps: 1")
    options = Options(quiet=True, threads=1, start=tmp_path / "run")
    train.train(made(tmp_path / "warm", text), tmp_path / "warmed", options)
    program = load_run(tmp_path / "warmed").program
    for layer in (program.networks.critic[0], program.networks.critic[2]):
        sigma = layer.u @ layer.weight @ layer.v
        assert sigma > 0.9 * torch.linalg.matrix_norm(layer.weight, 2)


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(tmp_path):
    text = SPEC.replace("epochs: 2", "epochs: 1, accumulate: 2")
    train.train(made(tmp_path / "a", text), tmp_path / "one", QUIET)
    code = made(tmp_path / "b", SPEC.replace("epochs: 2", "epochs: 1"))
    codes, said = ended(start(code, tmp_path / "two"))
    assert codes == [0, 0], said
    mine, theirs = (checkpoint.latest(tmp_path / name).weights for name in ("two", "one"))
    assert all(torch.allclose(mine[name], theirs[name], atol=1e-4) for name in theirs)


@pytest.mark.parametrize("advances", [True, False])
def test_a_folder_that_needs_torch_alone_changes_them(tmp_path, advances):
    """If the update line is removed, the estimates do not follow the singular values."""
    result, _ = compile(Source("normalized.yaml", SPEC.replace("epochs: 2", "steps: 30")))
    files = standalone(result.plan)
    if not advances:
        files["train.py"] = re.sub("after_update.advance.*", "pass", files["train.py"])
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    torch.manual_seed(0)
    torch.save({"x": torch.randn(200, 2)}, tmp_path / "data.pt")
    subprocess.run([sys.executable, "train.py", "data.pt"], cwd=tmp_path, check=True)
    tensors = torch.load(tmp_path / "normalized.pt", weights_only=True)["networks"]
    weight, u, v = (tensors[f"critic.2.{name}"] for name in ("weight", "u", "v"))
    assert (u @ weight @ v > 0.9 * torch.linalg.matrix_norm(weight, 2)) == advances
