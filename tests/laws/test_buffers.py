"""Replay buffers: which rows a loss holds, and which of them each row gets.

The oracle is a list: the rows of every step are put in front of it, and what is beyond its size is
cut off. A loss of `buffer(data.x, n)` and `buffer(data.y, n)` with y = 2 x shows which rows it
chose, and whether the two are of one row.
"""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from specc.engine.step.loss_state import LossState
from specc.engine.storage.loaded_run import precision
from specc.runtime.functions.buffers import buffer, choose
from specc.runtime.noise import Noise
from tests.laws.compiling import program

ROWS, SIZE = 4, 10
SPEC = """\
specc: 1
name: held
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1}
  y: {let: "2 * x"}
  x: {given: x}
  s: {let: "w * z"}
  w: {parameter: real, init: 1}
links: {d: {linear: true, bias: false}}
objective:
  players:
    critic: {minimize: "LOSS", links: [d]}
    generator: {minimize: "model.s", links: [w]}
"""
PAIRED = "(2 * buffer(data.x, 10) - buffer(model.y, 10)) ** 2 + d(data.x)"


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


class Held:
    """A compiled loss with the state that it hands on."""

    def __init__(self, folder, loss, change=None):
        self.program = program(SPEC.replace("LOSS", loss), folder, change)
        (declared,) = (own for own in self.program.manifest.losses if own.name == "critic")
        self.declared = declared.state
        self.state = LossState([declared], torch.float64, torch.device("cpu")).tensors["critic"]
        if loss.endswith(" + d(data.x)"):  # which there is for a player that has to train a link
            torch.nn.init.zeros_(self.program.networks.d[0].weight)

    def step(self, number):
        """One step on the rows 4 n, ..., 4 n + 3; the loss."""
        batch = {"x": torch.arange(ROWS, dtype=torch.float64) + ROWS * number}
        noise = Noise.at(3, number, dtype=torch.float64)
        loss, self.state, _ = self.program.loss("critic", self.state, batch, noise, {})
        return loss


def expected(steps):
    """The rows after some steps, the latest step first; what has no row yet is 0."""
    batches = [list(range(ROWS * n, ROWS * (n + 1))) for n in reversed(range(steps))]
    found = [float(row) for batch in batches for row in batch][:SIZE]
    return found + [0.0] * (SIZE - len(found)), [1] * len(found) + [0] * (SIZE - len(found))


def test_the_manifest_declares_them(tmp_path):
    declared = {own.name: own for own in Held(tmp_path, PAIRED).declared}
    assert set(declared) == {"filled 10", "buffer(data.x, 10)", "buffer(model.y, 10)"}
    assert {own.layout for own in declared.values()} == {"sharded"}
    assert {own.shape for own in declared.values()} == {(10,)}
    assert declared["filled 10"].dtype == "int64"


def test_the_latest_rows_are_held(tmp_path):
    held = Held(tmp_path, PAIRED)
    for number in range(5):
        held.step(number)
        rows, filled = expected(number + 1)
        assert held.state["buffer(data.x, 10)"].tolist() == rows
        assert held.state["buffer(model.y, 10)"].tolist() == [2 * row for row in rows]
        assert held.state["filled 10"].tolist() == filled


def test_buffers_of_one_size_choose_the_same_rows(tmp_path):
    held = Held(tmp_path, PAIRED)
    assert all(held.step(number) == 0.0 for number in range(5))


def test_rows_that_are_chosen_apart_are_noticed(tmp_path):
    """Another choice for the second buffer, as a wrong compiler would make it."""
    wrong = Held(tmp_path, PAIRED, ("y_held[past_10]", "y_held[past_10.flip(0)]"))
    assert any(wrong.step(number) != 0.0 for number in range(5))


def test_buffers_of_two_sizes_choose_their_own(tmp_path):
    held = Held(tmp_path, PAIRED.replace("model.y, 10", "model.y, 6"))
    assert {own.name for own in held.declared} >= {"filled 10", "filled 6"}
    assert any(held.step(number) != 0.0 for number in range(5))


def test_a_buffer_passes_no_gradient(tmp_path):
    held = Held(tmp_path, "d(buffer(model.s, 10)) + d(model.s)")
    loss = held.step(0)
    weight, scale = held.program.networks.d[0].weight, held.program.model.w
    through = Held(tmp_path, "d(model.s)")
    through.program.load_state_dict(held.program.state_dict())
    wanted = torch.autograd.grad(through.step(0), through.program.model.w)[0]
    found = torch.autograd.grad(loss, [weight, scale])
    assert found[1] == pytest.approx(wanted.item())
    assert not held.state["buffer(model.s, 10)"].requires_grad


def test_its_derivative_can_be_taken(tmp_path):
    """A penalty of the slope at earlier samples: d is linear, so the slope is its weight."""
    held = Held(tmp_path, "grad(d(buffer(model.s, 10)), buffer(model.s, 10)) ** 2")
    assert held.step(0).item() == pytest.approx(held.program.networks.d[0].weight.item() ** 2)


def test_class_numbers_are_integers_and_enter_a_link_one_hot(tmp_path):
    drawn = '  s: {let: "w * z"}\n  c: {latent: categorical, logits: [0, 1, 2]}\n'
    text = SPEC.replace('  s: {let: "w * z"}\n', drawn).replace("bias: false", "bias: true")
    made = program(text.replace("LOSS", "d(buffer(model.c, 10))"), tmp_path)
    (declared,) = (own for own in made.manifest.losses if own.name == "critic")
    assert {own.name: own.dtype for own in declared.state}["buffer(model.c, 10)"] == "int64"
    assert made.networks.d[0].weight.shape[1] == 3


def test_every_filled_row_is_chosen_alike():
    """Chi-square over 20,000 choices, rejected at p = 1e-6; also with gaps between filled rows."""
    held = torch.tensor([1, 0, 0, 1, 1, 0, 1, 0])
    noise = Noise.at(1, dtype=torch.float64)
    counts = torch.zeros(8)
    for _ in range(10_000):
        after, chosen = choose(noise, held, 2)
        counts += torch.bincount(chosen, minlength=8)
    assert after.tolist() == [1, 1, 1, 0, 0, 1, 1, 0]
    assert not counts[after == 0].any()
    assert stats.chisquare(counts[after == 1].numpy()).pvalue > 1e-6
    favoured = counts + 2_000 * torch.eye(8)[0] - 2_000 * torch.eye(8)[1]
    assert stats.chisquare(favoured[after == 1].numpy()).pvalue < 1e-6


def test_more_rows_than_a_buffer_has_push_all_others_out():
    assert buffer(torch.arange(5.0), torch.full((3,), 9.0)).tolist() == [0.0, 1.0, 2.0]
