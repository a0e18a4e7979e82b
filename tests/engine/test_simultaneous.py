"""Simultaneous players: all gradients are computed before any parameter is updated.

For the losses a b and -a b of two players, simultaneous gradient steps of size h rotate (a, b) and
scale it by sqrt(1 + h^2); with alternating updates the second player uses the updated a.
"""

from __future__ import annotations

import pytest
import torch

from specc.engine import train
from specc.engine.compile.compile_step import compile_step
from tests.engine.test_distributed import ended, start
from tests.engine.test_loss_state import stepping
from tests.engine.test_train import QUIET, losses
from tests.engine.test_written_players import NVIL, made

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RATE = 0.1
GAME = f"""\
specc: 1
name: nvil
data: {{source: digits, fields: {{x: {{from: image, binarize: threshold}}}}}}
model:
  a: {{parameter: real, shape: [], init: 1}}
  b: {{parameter: real, shape: [], init: 0.5}}
  product: {{let: a * b}}
objective:
  players:
    first: {{minimize: "model.product + 0 * sum(data.x)", links: [a]}}
    second: {{minimize: "-model.product + 0 * sum(data.x)", links: [b]}}
  order: ORDER
train: {{optimizer: {{sgd: {{lr: {RATE}}}}}, batch_size: 100, epochs: 3}}
"""


def moved(text, folder, steps):
    step = stepping(made(folder, text))
    for number in range(steps):
        step(0, number, *[torch.arange(100)] * step.updates)
    return step.program.model.a.item(), step.program.model.b.item()


def by_hand(steps, *, together, times=1):
    a, b = 1.0, 0.5
    for _ in range(steps):
        after = a - RATE * b
        for _ in range(times):
            b += RATE * (a if together else after)
        a = after
    return a, b


@pytest.mark.parametrize("order", ["alternating", "simultaneous"])
def test_a_step_is_that_of_the_formula(tmp_path, order):
    together = order == "simultaneous"
    found = moved(GAME.replace("ORDER", order), tmp_path, 20)
    assert found == pytest.approx(by_hand(20, together=together), rel=1e-5)
    assert found != pytest.approx(by_hand(20, together=not together), rel=1e-2)
    if together:
        stretched = (1 + RATE**2) ** 20 * (1 + 0.5**2)
        assert found[0] ** 2 + found[1] ** 2 == pytest.approx(stretched, rel=1e-5)


def test_a_second_update_is_from_where_all_have_moved_to(tmp_path):
    """With two updates of b, the second one uses the a after the first update of a."""
    text = GAME.replace("ORDER", "simultaneous").replace("links: [b]", "links: [b], steps: 2")
    a, b = moved(text, tmp_path, 1)
    assert a == pytest.approx(1 - RATE * 0.5, rel=1e-6)
    assert b == pytest.approx(0.5 + RATE * 1 + RATE * a, rel=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd: {lr: 0.1}", "adam: {lr: 0.1}"])
def test_a_compiled_step_is_the_eager_one(tmp_path, optimizer):
    """The compiled update of the first player must not move what the second one reads."""
    text = GAME.replace("ORDER", "simultaneous").replace(f"sgd: {{lr: {RATE}}}", optimizer)
    text = text.replace("links: [b]", "links: [b], steps: 2")
    steps = [stepping(made(tmp_path / name, text)) for name in ("eager", "compiled")]
    compile_step(steps[1])
    for number in range(4):
        results = [step(0, number, *[torch.arange(100)] * step.updates) for step in steps]
        torch.testing.assert_close(results[1].values, results[0].values, rtol=1e-5, atol=1e-6)
    eager, compiled = (step.program.model for step in steps)
    assert compiled.a.item() == pytest.approx(eager.a.item(), rel=1e-5)
    assert compiled.b.item() == pytest.approx(eager.b.item(), rel=1e-5)


def test_a_compiled_step_updates_the_state_of_its_loss(tmp_path):
    text = NVIL.replace("links: [baseline]}\n", "links: [baseline]}\n  order: simultaneous\n")
    steps = [stepping(made(tmp_path / name, text)) for name in ("eager", "compiled")]
    compile_step(steps[1])
    for number in range(3):
        results = [step(0, number, torch.arange(100)) for step in steps]
        torch.testing.assert_close(results[1].values, results[0].values, rtol=1e-4, atol=1e-4)
    one, other = (step.state.tensors["bound"]["h_baseline"] for step in steps)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert one.abs() > 0


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(tmp_path):
    text = NVIL.replace("links: [baseline]}\n", "links: [baseline]}\n  order: simultaneous\n")
    text = text.replace("epochs: 3", "epochs: 2")
    alone = text.replace("epochs: 2", "epochs: 2, accumulate: 2")
    train.train(made(tmp_path / "a", alone), tmp_path / "one", QUIET)
    codes, said = ended(start(made(tmp_path / "b", text), tmp_path / "two"))
    assert codes == [0, 0], said
    mine, theirs = (losses(tmp_path / name)[-1]["parts"] for name in ("one", "two"))
    assert mine.keys() == theirs.keys()
    assert all(mine[name] == pytest.approx(theirs[name], rel=1e-3, abs=1e-3) for name in mine)
