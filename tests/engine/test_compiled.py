"""A compiled step equals the eager one, and some steps are not compiled."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import specc
from specc.data.load import load
from specc.engine import train
from specc.engine.compile import autotune, cpp_update
from specc.engine.compile.autotune import choose
from specc.engine.compile.compile_step import compile_step
from specc.engine.loop import loop
from specc.engine.loop.epochs import Epochs
from specc.engine.settings import settings_of
from specc.engine.step import matmul_precision
from specc.engine.step.player import NotCompiled, players_of
from specc.engine.step.step import Step, UpdateIndex
from specc.engine.storage import run_folder
from specc.engine.storage.loaded_run import fresh
from specc.engine.train import Options
from specc.runtime import manifest as manifests
from tests.engine.test_train import QUIET, RESUME, losses, weights_hash
from tests.house.files import ROOT
from tests.programs import making

# Torch's compiler uses functions that torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CPU = torch.device("cpu")
compiles = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="torch.compile needs g++"
)
# The order of sums differs: float32 losses of about 40 agree to a few units in the last place.
CLOSE = 2e-4
GALLERY = ("block_model", "conditional_flow", "dirac_gan", "gaussian_mixture", "student", "ising")


def made(folder, change=None, edit=None, **settings):
    code = making.copy("shallow", folder, change, **settings)
    if edit:
        making.edit(code, *edit)
    return step_of(code)


def step_of(code, data=None):
    """The step of generated code."""
    found = manifests.read(code)
    chosen = settings_of(found.train)
    torch.manual_seed(0)
    program = fresh(code, chosen, CPU)
    rows = load(found.data, data, chosen.dtype).part("train")
    return Step(program, players_of(program, chosen, CPU), rows, chosen, CPU)


def state(step):
    (player,) = step.players
    kept = [v for s in player.optimizer.state.values() for v in s.values()]
    return [p.detach().clone() for p in step.program.parameters()] + [k.clone() for k in kept]


def one_ahead(step):
    """Makes an update, and counts more of them for the first parameter."""
    step(0, 0, torch.arange(70))
    (player,) = step.players
    first = player.optimizer.state[player.parameters[0]]
    if "step" in first:
        first["step"] += 3


@pytest.fixture
def by_torch(monkeypatch):
    """Torch compiles what would have C++ of its own."""
    monkeypatch.setattr(cpp_update, "MOST_WORK", 0)


@pytest.fixture(params=["cpp", "torch"])
def form(request):
    """Each form of a compiled step."""
    if request.param == "torch":
        request.getfixturevalue("by_torch")
    return request.param


@compiles
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": {"adamw": {"amsgrad": True}}, "schedule": {"cosine": {}}},
        {"optimizer": {"sgd": {"lr": 0.01, "momentum": 0.9}}, "clip": 1.0},
    ],
    ids=["adam", "adamw", "sgd with clipping"],
)
def test_it_computes_what_the_eager_step_computes_and_skips_what_is_not_finite(
    tmp_path, settings, form
):
    eager, compiled = (made(tmp_path / name, **settings) for name in "ab")
    for step in (eager, compiled):
        one_ahead(step)
    compile_step(compiled)
    for number in range(8):
        # Every other batch has fewer rows than the graph takes.
        index = torch.arange(100 if number % 2 else 70) + 10 * number
        mine, theirs = compiled(0, number, index), eager(0, number, index)
        assert mine.names == theirs.names
        assert torch.allclose(mine.values, theirs.values, atol=CLOSE)
    pairs = zip(state(compiled), state(eager), strict=True)
    assert all(torch.allclose(a, b, atol=CLOSE) for a, b in pairs)
    changes_nothing_where_it_is_not_finite(compiled)


def changes_nothing_where_it_is_not_finite(step):
    index, before = torch.arange(100), state(step)
    batch = step.rows.batch(index, step._noise(2, 0, 0))
    bad = {"x": batch["x"] * float("nan")}
    (update,) = step.compiled.values()
    outcome = update(bad, step._loss_noise(UpdateIndex(0, 1), 0, 0), {})
    assert outcome.skipped.item() == 1.0
    assert all(torch.equal(a, b) for a, b in zip(state(step), before, strict=True))


def test_fast_is_near_and_goes_on_bit_for_bit(tmp_path, monkeypatch):
    """With bfloat16 products, here on any processor, the loss after some epochs is within 2 %."""
    monkeypatch.setattr(matmul_precision, "has_bfloat16", lambda: True)
    code = {
        name: making.copy("shallow", tmp_path / name, epochs=4, precision=name)
        for name in ("float32", "fast")
    }
    for name, folder in code.items():
        train.train(folder, tmp_path / f"{name} run", QUIET)
    exact, fast = ([line["loss"] for line in losses(tmp_path / f"{name} run")] for name in code)
    assert fast != exact and fast == pytest.approx(exact, rel=0.02)
    short = Options(quiet=True, resume=True)
    stopped = tmp_path / "stopped"
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    with monkeypatch.context() as patch:
        ended, end_epoch = [], Epochs.end_epoch

        def note(self, counters):
            ended.append(counters.epoch)
            return end_epoch(self, counters)

        patch.setattr(Epochs, "end_epoch", note)
        patch.setattr(Epochs, "is_over", property(lambda self: ended == [1, 2]))
        train.train(code["fast"], stopped, short)
    train.train(code["fast"], stopped, short)
    assert weights_hash(stopped) == weights_hash(tmp_path / "fast run")


@pytest.mark.slow
@compiles
def test_fast_compiled_is_fast(tmp_path, monkeypatch):
    monkeypatch.setattr(matmul_precision, "has_bfloat16", lambda: True)
    fast, compiled = (made(tmp_path / name, precision="fast") for name in "ab")
    exact = made(tmp_path / "c")
    compile_step(compiled)
    index = torch.arange(100)
    values = [step(0, 0, index).values[0] for step in (compiled, fast, exact)]
    assert abs(values[0] - values[1]) < 0.01 < 0.01 * values[1]
    assert values[1] != values[2]


def test_without_caches_torch_does_not_compile_it(tmp_path, by_torch):
    step = made(tmp_path)
    compile_step(step)
    index = torch.arange(100)
    switched_off = torch._inductor.config.patch(force_disable_caches=True)
    with switched_off, pytest.raises(NotCompiled, match="caches are switched off"):
        step(0, 0, index)


@compiles
def test_auto_keeps_what_pays_and_leaves_the_state_as_it_was(tmp_path, form):
    step = made(tmp_path)
    before = state(step)
    found = choose(step, "auto", 10**9)
    assert "to compile" in found.reason
    assert bool(step.compiled) == found.compiled
    assert all(torch.equal(a, b) for a, b in zip(state(step), before, strict=False))
    assert not any(p.grad is not None for p in step.program.parameters())


def test_auto_does_not_try_where_little_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(autotune, "seconds", lambda step: 0.01)
    step = made(tmp_path)
    found = choose(step, "auto", 100)
    assert (found.compiled, step.compiled) == (False, {})
    assert "too few" in found.reason


def timed(monkeypatch, eager, compiled):
    """Steps take these seconds."""
    monkeypatch.setattr(autotune, "seconds", lambda step: compiled if step.compiled else eager)


@compiles
def test_less_time_pays_for_cpp_than_for_a_graph_of_torch(tmp_path, monkeypatch):
    """Of 15 seconds that are left C++ of its own saves most; torch's compiler takes longer."""
    timed(monkeypatch, 0.01, 0.001)
    step = made(tmp_path / "a")
    found = choose(step, "auto", 1500)
    assert found.compiled and "1 ms a step against 10 ms" in found.reason
    monkeypatch.setattr(cpp_update, "MOST_WORK", 0)
    step = made(tmp_path / "b")
    assert choose(step, "auto", 1500) == autotune.Choice(
        False, "15 s of steps are too few for it to pay"
    )
    assert not step.compiled


@compiles
def test_a_long_loop_has_cpp_of_its_own_where_that_pays(tmp_path, monkeypatch):
    """Of 16 steps and more torch's compiler makes too large a graph."""
    timed(monkeypatch, 0.1, 0.001)
    for kind, steps, reason in (
        ("cpp", 2000, "1 ms a step against 100 ms"),
        ("cpp", 200, "20 s of steps are too few"),
        ("torch", 2000, "its loss goes through 17 steps one by one, too large a graph"),
    ):
        step = made(tmp_path / f"{kind}{steps}")
        loss = replace(step.players[0].loss, loop=17)
        step.players = (replace(step.players[0], loss=loss),)
        if kind == "torch":
            monkeypatch.setattr(cpp_update, "MOST_WORK", 0)
        found = choose(step, "auto", steps)
        assert found.reason.startswith(reason), kind
        assert found.compiled == bool(step.compiled) == reason.startswith("1 ms")


@compiles
def test_a_compiled_run_resumes_to_itself(tmp_path, monkeypatch, form):
    code = making.copy("shallow", tmp_path, epochs=2, compile="on")
    said = []
    train.train(code, tmp_path / "whole", Options(quiet=True, threads=1, say=said.append))
    assert said == ["the step is compiled: requested"]
    call, count = Step.__call__, 0

    def stop(self, epoch, number, index):
        nonlocal count
        count += 1
        if count == 25:
            raise KeyboardInterrupt
        return call(self, epoch, number, index)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "SAVE_EVERY", 0.0)
        patch.setattr(loop, "READ_EVERY", 5)
        patch.setattr(Step, "__call__", stop)
        train.train(code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    assert weights_hash(tmp_path / "run") == weights_hash(tmp_path / "whole")


def test_what_a_graph_cannot_hold_is_reported_and_trained_eagerly(tmp_path):
    edit = ("objective.py", "normal.rsample(noise, ", "gamma_instead(noise, ")
    code = making.copy("shallow", tmp_path, epochs=1, compile="on")
    making.edit(code, *edit)
    text = (code / "objective.py").read_text()
    text += (
        "\n\ndef gamma_instead(noise, loc, scale, **_):\n"
        "    return loc + scale * noise.gamma(scale, scale.shape)\n"
    )
    (code / "objective.py").write_text(text)
    said = []
    train.train(code, tmp_path / "run", Options(quiet=True, threads=1, say=said.append))
    assert said == ["the step is not compiled: it draws gamma, Poisson or binomial numbers"]
    assert run_folder.facts_of(tmp_path / "run")[0]["compile"]["compiled"] is False


@compiles
@pytest.mark.parametrize("name", GALLERY)
def test_programs_of_the_gallery_have_cpp_of_their_own(name):
    """Five steps of labels, indices, players, mixtures, flows and energies give one loss."""
    eager, compiled = (step_of(ROOT / "generated" / name, ROOT / "specs") for _ in "ab")
    compile_step(compiled, only_cpp=True)
    index = torch.arange(eager.size)
    for number in range(5):
        mine, theirs = compiled(0, number, index), eager(0, number, index)
        torch.testing.assert_close(mine.values, theirs.values, rtol=1e-4, atol=1e-4)
    assert compiled.compiled
    pairs = zip(compiled.program.parameters(), eager.program.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in pairs)


BIJECTED = """\
specc: 1
name: bijected
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [12]}}}
model:
  x: {observed: normal, loc: 0, scale: 1, through: f}
links: {f: {KIND: {layers: 1, hidden: [5]}}}
objective: mle
train: {epochs: 1, batch_size: 5, compile: on}
"""


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("residual", "an estimated log-determinant has a random number of terms"),
        ("implicit", "a fixed point takes as many steps as its numbers need"),
    ],
)
def test_a_varying_number_of_steps_is_reported(kind, reason, tmp_path, monkeypatch):
    """The reason is checked before torch compiles, whose messages are about its internals."""
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x=np.random.default_rng(0).normal(size=(10, 12)))
    (tmp_path / "m.yaml").write_text(BIJECTED.replace("KIND", kind))
    run = specc.load("m.yaml").train("run", data_dir=".")
    facts, _ = run_folder.facts_of(run.folder)
    assert facts["compile"] == {"compiled": False, "reason": reason}


def test_pieces_and_dropout_are_refused(tmp_path):
    with pytest.raises(NotCompiled, match="pieces"):
        compile_step(made(tmp_path / "a", accumulate=2))
    step = made(tmp_path / "b")
    step.has_dropout = True
    with pytest.raises(NotCompiled, match="dropout"):
        compile_step(step)


def test_the_limit_is_in_seconds_of_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(autotune, "MIN_SECONDS_LEFT", 0.0)
    step = made(tmp_path)
    monkeypatch.setattr(
        autotune, "compile_step", lambda step, **_: (_ for _ in ()).throw(NotCompiled("no"))
    )
    assert choose(step, "auto", 1) == autotune.Choice(False, "no")


@compiles
def test_a_rising_weight_is_no_new_graph(tmp_path, form):
    """The weight is a tensor input of the graph, so the losses equal those of the eager step."""

    def rising(manifest):
        manifest["losses"][0]["scalars"] = {"kl_weight": {"kind": "kl_weight", "warm_up": 0.5}}

    old = "noise: Noise, *, x: Tensor"
    edits = [(old, old + ", kl_weight: Tensor | float = 1.0"), ("- kl_z)", "- kl_weight * kl_z)")]
    steps = []
    for name in "ab":
        code = making.copy("shallow", tmp_path / name, rising)
        for before, after in edits:
            making.edit(code, "objective.py", before, after)
        steps.append(step_of(code))
    eager, compiled = steps
    compile_step(compiled)
    for number in range(4):
        index = torch.arange(100)
        mine, theirs = compiled(0, number, index), eager(0, number, index)
        assert torch.allclose(mine.values, theirs.values, atol=CLOSE)
    third, fourth = (eager.scalars(eager.players[0], 0, n)["kl_weight"] for n in (3, 4))
    assert third < fourth < 1.0
