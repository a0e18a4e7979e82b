from __future__ import annotations

import pytest
import torch

from specc.data.load import load
from specc.engine.order.streams import order_of
from specc.engine.settings import settings_of
from specc.engine.step.player import StepResult, players_of
from specc.engine.step.running_metrics import RunningMetrics
from specc.engine.step.step import Step
from specc.engine.storage.loaded_run import fresh
from specc.runtime import manifest as manifests
from tests.programs import making

CPU = torch.device("cpu")
INDEX = torch.arange(20)


def stepping(code):
    manifest = manifests.read(code)
    settings = settings_of(manifest.train)
    program = fresh(code, settings, CPU)
    players = players_of(program, settings, CPU)
    rows = load(manifest.data, None, torch.float32).part("train")
    return program, Step(program, players, rows, settings, CPU)


def weights(program):
    return {name: value.detach().clone() for name, value in program.named_parameters()}


def test_a_step_is_a_function_of_its_counters(tmp_path):
    code = making.copy("vae", tmp_path)
    first, second = stepping(code), stepping(code)
    one, two = first[1](3, 5, INDEX), second[1](3, 5, INDEX)
    assert torch.equal(one.values, two.values)
    for name, value in first[0].named_parameters():
        assert torch.equal(value, second[0].get_parameter(name))
    other = stepping(code)
    assert not torch.equal(other[1](3, 6, INDEX).values, one.values)


def test_an_update_is_the_optimizer_s_on_the_loss(tmp_path):
    """Plain gradient descent, computed again by hand."""
    code = making.copy("vae", tmp_path, optimizer={"sgd": {"lr": 0.1}})
    program, step = stepping(code)
    before = weights(program)
    step.loss_again(0, 0, INDEX)
    step(0, 0, INDEX)
    gradients = {name: p.grad.clone() for name, p in program.named_parameters()}
    for name, value in program.named_parameters():
        torch.testing.assert_close(value.detach(), before[name] - 0.1 * gradients[name])
    assert any(g.abs().max() > 0 for g in gradients.values())


def test_a_clipped_gradient_has_the_norm_that_was_set(tmp_path):
    code = making.copy("vae", tmp_path, optimizer={"sgd": {"lr": 1.0}}, clip=0.01)
    program, step = stepping(code)
    before = weights(program)
    step(0, 0, INDEX)
    moved = torch.cat([(p - before[n]).flatten() for n, p in program.named_parameters()])
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("on_device", [True, False])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_is_not_finite_changes_nothing(tmp_path, on_device, where):
    code = making.copy("vae", tmp_path)
    bad = {"loss": "elbo * float('nan')", "gradient": "elbo + (z[0, 0] * 0).abs().sqrt()"}[where]
    making.edit(code, "objective.py", "return -elbo,", f"return -({bad}),")
    program, step = stepping(code)
    step.skips_on_device = on_device
    before = weights(program)
    outcome = step(0, 0, INDEX)
    assert outcome.skipped.item() == 1.0
    for name, value in program.named_parameters():
        assert torch.equal(value.detach(), before[name])
    memory = step.players[0].optimizer.state
    assert all(not s["exp_avg"].any() and s["step"] == 0 for s in memory.values() if s)


def test_dropout_is_drawn_from_counters(tmp_path):
    code = making.copy("vae", tmp_path)
    hidden = "nn.Linear(24, 24),\n            "
    making.edit(code, "model.py", f"{hidden}nn.Tanh()", f"{hidden}nn.Dropout(0.5)")
    first, second = stepping(code), stepping(code)
    assert first[1].has_dropout
    torch.rand(3)
    assert torch.equal(first[1](0, 1, INDEX).values, second[1](0, 1, INDEX).values)


def test_two_players_train_their_own_parameters(tmp_path):
    def two(manifest):
        loss = manifest["losses"][0]
        manifest["losses"] = [
            {**loss, "name": "model_loss", "parameters": ["model"]},
            {**loss, "name": "guide_loss", "parameters": ["guide.z_loc_head"]},
        ]

    code = making.copy("vae", tmp_path, two)
    making.edit(code, "__init__.py", '{"loss": loss}', '{"model_loss": loss, "guide_loss": loss}')
    program, step = stepping(code)
    before = weights(program)
    outcome = step(0, 0, INDEX)
    assert outcome.names[0] == "model_loss loss"
    assert len(outcome.names) == len(outcome.values) == 8
    changed = {n for n, p in program.named_parameters() if not torch.equal(p, before[n])}
    assert {name.split(".")[0] for name in changed} == {"model", "guide"}
    assert {n for n in changed if n.startswith("guide")} == {
        "guide.z_loc_head.weight",
        "guide.z_loc_head.bias",
    }


def test_an_epoch_sees_every_row_once_in_an_order_of_its_own():
    first, second = order_of(0, 1, 100, CPU), order_of(0, 2, 100, CPU)
    assert sorted(first.tolist()) == list(range(100))
    assert not torch.equal(first, second)
    assert torch.equal(first, order_of(0, 1, 100, CPU))
    assert not torch.equal(first, order_of(1, 1, 100, CPU))


def outcome(value, skipped=0.0):
    return StepResult(("loss", "part"), torch.tensor([value, 2 * value]), torch.tensor(skipped))


def test_running_metrics_are_means_over_steps_that_were_not_skipped():
    metrics = RunningMetrics()
    for value in (1.0, 2.0):
        metrics.add(outcome(value))
    metrics.add(outcome(float("nan"), 1.0))
    metrics.read()
    assert metrics.means() == {"loss": 1.5, "part": 3.0}
    assert (metrics.skipped, metrics.skipped_in_a_row) == (1, 1)
    metrics.add(outcome(1.0))
    metrics.read()
    assert (metrics.skipped, metrics.skipped_in_a_row) == (1, 0)


def test_running_metrics_do_not_depend_on_when_they_are_read():
    values = (0.1 * torch.arange(97)).sin().tolist()
    often, once, resumed = RunningMetrics(), RunningMetrics(), RunningMetrics()
    for number, value in enumerate(values):
        for metrics in (often, once):
            metrics.add(outcome(value))
        resumed.add(outcome(value))
        often.read()
        if number % 10 == 3:
            resumed.read()
            resumed = RunningMetrics(resumed.state())
    for metrics in (often, once, resumed):
        metrics.read()
    assert often.means() == once.means() == resumed.means()
