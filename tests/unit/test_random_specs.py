"""Specs at random: each compiles to sound code, or is refused with a message; none is a bug."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from specc.compiler import compile
from specc.diagnostics.report import message
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests import line_shapes
from tests.losses import computed
from tests.unit.made_data import batch_of
from tests.unit.random_specs import specs

ROWS = 3
PARTICLES = 2
CALM = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def check(text):
    result, checked = compile(Source("made.yaml", text))
    for found in checked.diagnostics:
        assert message(found) and found.span.line >= 1
    if result is None:
        assert checked.diagnostics, text
        return False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "made"
        folder.mkdir()
        for file, content in result.files.items():
            (folder / file).write_text(content, encoding="utf-8")
        formatted(folder)
        objective = folder / "objective.py"
        objective.write_text(line_shapes.recorded(objective.read_text()), encoding="utf-8")
        # Class numbers become one-hot vectors in torch's default precision.
        with precision(torch.float64):
            program = load(folder).double()
            runs(program, checked)
            lines_have_their_shapes(program, checked)
    return True


def formatted(folder):
    command = [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "100", folder]
    found = subprocess.run([*command, "--isolated"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def runs(program, checked):
    generator = torch.Generator().manual_seed(0)
    graph, plan = checked.typed, checked.plan
    with torch.no_grad():
        for value in program.parameters():
            value.copy_(0.3 * torch.randn(value.shape, generator=generator, dtype=torch.float64))
    batch = batch_of(graph, plan.data, ROWS, generator)
    noise = Noise.at(0, dtype=torch.float64)
    loss, _, parts = computed(program, batch, noise, ROWS)
    assert loss.shape == () and torch.isfinite(loss), parts
    if any(p.requires_grad for p in program.parameters()) and loss.requires_grad:
        loss.backward()
        grads = [p.grad for p in program.parameters() if p.grad is not None]
        assert all(torch.isfinite(g).all() for g in grads)
    exact_loss_is_the_mean_of_rows(program, checked, batch, loss)
    draws_have_their_shapes(program, checked, batch)


def lines_have_their_shapes(program, checked):
    """Where the loss is computed again for single rows, only the first time counts."""
    players = {player.name: player for player in checked.objective.players}
    for loss in program.manifest.losses:
        function = program._losses[loss.name]
        made = vars(sys.modules[function.__module__])[line_shapes.RECORD]
        first = {names: (names, values, shapes) for names, values, shapes in reversed(made)}
        particles = players[loss.name].particles
        assert list(line_shapes.wrong(first.values(), ROWS, particles)) == []


def exact_loss_is_the_mean_of_rows(program, checked, batch, loss):
    if any(draw.is_sampled for draw in checked.objective.draws.values()):
        return
    alone = [
        computed(
            program,
            {name: value[row : row + 1] for name, value in batch.items()},
            Noise.at(0, dtype=torch.float64),
            ROWS,
        )[0]
        for row in range(ROWS)
    ]
    assert torch.allclose(loss, torch.stack(alone).mean(), rtol=1e-9)


def draws_have_their_shapes(program, checked, batch):
    noise = Noise.at(1, dtype=torch.float64)
    values = dict(batch)
    if program.can("guide.sample_and_log_prob"):
        inputs = program.inputs("guide.sample_and_log_prob", batch)
        latents, log_q = program.require("guide.sample_and_log_prob")(noise, PARTICLES, **inputs)
        for name, value in latents.items():
            kind = checked.typed.type("model", name)
            rows = (ROWS,) if kind.is_local else ()
            wanted = (PARTICLES, *rows, *steps_of(checked, kind), *kind.shape)
            assert value.broadcast_to(torch.broadcast_shapes(value.shape, wanted)).shape == wanted
        assert torch.isfinite(log_q).all()
        values |= latents
    needed = program.capabilities.get("model.log_joint")
    if needed is not None and set(needed) <= set(values):
        joint = program.require("model.log_joint")(**program.inputs("model.log_joint", values))
        assert torch.isfinite(joint).all()
    if program.can("model.sample"):
        inputs = program.inputs("model.sample", batch)
        drawn = program.require("model.sample")(noise, ROWS, **inputs)
        for name, value in drawn.items():
            kind = checked.typed.type("model", name)
            if kind.is_local:
                shape = (ROWS, *steps_of(checked, kind), *kind.shape)
                assert value.shape == shape


def steps_of(checked, kind):
    """The axis of steps of a value, where it has one."""
    scans = checked.graph.scans
    return tuple(scans[plate].steps for plate in kind.plates if plate in scans)


@settings(max_examples=120, deadline=None, suppress_health_check=CALM, derandomize=True)
@given(specs())
def test_a_random_spec(text):
    check(text)


@settings(max_examples=60, deadline=None, suppress_health_check=CALM, derandomize=True)
@given(specs(steps=100))
def test_a_random_spec_with_a_sequence(text):
    check(text)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=CALM)
@given(specs(steps=50))
def test_very_many_random_specs(text):
    check(text)


@pytest.mark.parametrize("steps", [0, 100])
def test_most_random_specs_are_sound(steps):
    sound = []

    @settings(max_examples=100, deadline=None, suppress_health_check=CALM, derandomize=True)
    @given(specs(steps=steps))
    def count(text):
        result, _ = compile(Source("made.yaml", text))
        sound.append(result is not None)

    count()
    assert sum(sound) > 0.25 * len(sound)
