"""The validation loss is the mean over the held-out rows, for any batch size."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from specc.data.fields import FieldRows
from specc.data.load import Rows
from specc.engine import train
from specc.engine.settings import settings_of
from specc.engine.step.step import Step
from specc.runtime.fields import Field
from specc.runtime.losses import Loss, LossResult
from specc.runtime.stages import Stage
from tests.engine.test_distributed import ended, start
from tests.engine.test_train import QUIET, losses
from tests.programs import making

CPU = torch.device("cpu")
SETTINGS = settings_of({"optimizer": {"sgd": {"lr": 0.1}}, "batch_size": 7, "epochs": 1})


class Fixed(nn.Module):
    """A program whose losses are given functions of a batch."""

    def __init__(self, losses):
        super().__init__()
        self.losses = losses
        self.manifest = SimpleNamespace(stages=(Stage(()),), coupled=())

    def loss(self, name, state, batch, noise, scalars):
        value = self.losses[name](batch["x"])
        return LossResult(value, {}, {"bound": -value})


def step(**losses):
    """A step on 13 training rows, with a player for each loss."""
    players = [SimpleNamespace(loss=Loss(n, ("x",), ()), sharded=()) for n in losses]
    return Step(Fixed(losses), players, rows(13), SETTINGS, CPU)


def rows(count):
    field = Field(name="x", column="x", shape=(), dtype="float64", support="real")
    values = torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(count))
    return Rows("valid", {"x": FieldRows(field, values, 1.0, torch.float64)})


def one(x):
    return torch.ones((), dtype=torch.float64)


SIZES = [(rows, size) for size in (1, 7, 36) for rows in (size, 2 * size, 10 * size)]
RAGGED = [(3, 7), (8, 7), (13, 7), (69, 7), (360, 100), (1000, 128)]


@pytest.mark.parametrize(("count", "size"), SIZES + RAGGED)
def test_a_constant_loss_measures_that_constant(count, size):
    found = step(loss=one).measure(rows(count), size)
    assert found == pytest.approx({"loss": 1.0, "bound": -1.0}, abs=1e-12)


@pytest.mark.parametrize(("count", "size"), SIZES + RAGGED)
def test_a_mean_over_rows_is_that_of_all_rows(count, size):
    held = rows(count)
    found = step(loss=lambda x: x.mean()).measure(held, size)
    assert found["loss"] == pytest.approx(held.fields["x"].raw.mean().item(), abs=1e-12)


def test_every_batch_has_rows_once():
    seen = []
    step(loss=lambda x: seen.append(x) or x.mean()).measure(rows(20), 6)
    assert [len(x) for x in seen] == [6, 6, 6, 2]
    assert torch.equal(torch.cat(seen), rows(20).fields["x"].raw)


def test_each_player_has_its_own_loss_and_the_first_is_watched():
    found = step(critic=one, generator=lambda x: 3 * one(x)).measure(rows(25), 7)
    assert found == pytest.approx(
        {
            "loss": 1.0,
            "critic loss": 1.0,
            "critic bound": -1.0,
            "generator loss": 3.0,
            "generator bound": -3.0,
        },
        abs=1e-12,
    )


def constant(root):
    """A program whose loss is 1, with 359 held-out rows in four batches."""
    code = making.copy("vae", root, epochs=2, validate_every=1)
    making.edit(code, "objective.py", "return -elbo,", "return 1.0 + 0.0 * elbo,")
    return code


def test_a_run_records_the_constant(tmp_path):
    train.train(constant(tmp_path), tmp_path / "run", QUIET)
    assert [line["valid"]["loss"] for line in losses(tmp_path / "run")] == pytest.approx([1, 1])


def test_so_do_two_processes(tmp_path):
    codes, said = ended(start(constant(tmp_path), tmp_path / "run"))
    assert codes == [0, 0], said
    assert [line["valid"]["loss"] for line in losses(tmp_path / "run")] == pytest.approx([1, 1])
