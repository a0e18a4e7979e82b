"""A run of a model whose guide shares its parameters and links: resumed, and on two processes."""

from __future__ import annotations

import pytest

from specc.engine import train
from tests.engine.interruption import interrupted
from tests.engine.test_distributed import ended, start
from tests.engine.test_train import QUIET, RESUME, fails, losses, weights_hash
from tests.engine.test_written_players import made

LADDER = """\
specc: 1
name: nvil
data: {source: digits, fields: {x: {from: image, binarize: threshold}}}
model:
  w: {parameter: positive, shape: [3]}
  z2: {latent: normal, loc: 0, scale: 1, shape: [2]}
  top: {let: down(z2), shape: [3]}
  z1: {latent: normal, loc: top, scale: w, shape: [3]}
  x: {observed: bernoulli, logits: decoder(z1)}
guide:
  up: {let: encoder(x), shape: [3]}
  z2: {latent: normal, params: middle(up)}
  z1: {latent: normal, loc: "(up + model.top) / 2", scale: model.w / 2}
links: {down: linear, decoder: linear, encoder: linear, middle: linear}
objective: elbo
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 100, epochs: 2}
"""
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_interrupted_and_resumed_is_uninterrupted(tmp_path):
    code = made(tmp_path, LADDER)
    train.train(code, tmp_path / "whole", QUIET)
    with interrupted(epoch=1, number=5):
        fails("E0812", code, tmp_path / "run", QUIET)
    train.train(code, tmp_path / "run", RESUME)
    assert weights_hash(tmp_path / "run") == weights_hash(tmp_path / "whole")
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(tmp_path):
    alone = LADDER.replace("epochs: 2", "epochs: 2, accumulate: 2")
    train.train(made(tmp_path / "a", alone), tmp_path / "one", QUIET)
    codes, said = ended(start(made(tmp_path / "b", LADDER), tmp_path / "two"))
    assert codes == [0, 0], said
    mine, theirs = (losses(tmp_path / name)[-1]["parts"] for name in ("one", "two"))
    assert mine.keys() == theirs.keys()
    assert all(mine[name] == pytest.approx(theirs[name], rel=1e-3, abs=1e-3) for name in mine)
