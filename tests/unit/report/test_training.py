"""The curves of training: their unit, and their axis."""

from __future__ import annotations

import re

import pytest

from specc.report.training import loss_words, training
from specc.runtime.losses import Loss

METRICS = [{"epoch": n, "loss": 1.0 / n, "parts": {}} for n in (1, 2, 3)]
GAME = [{"epoch": n, "loss": 1.0, "parts": {"a loss": 1.0, "b loss": 2.0}} for n in (1, 2)]


def loss(bound):
    return Loss("loss", ("x",), ("model",), bound=bound)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (["elbo"], "Loss, nats a row"),
        (["log_likelihood", "iwae"], "Loss, nats a row"),
        ([None], "Loss"),
        (["objective"], "Loss"),  # a formula of the spec, which may add a penalty
        (["elbo", None], "Loss"),
        ([], "Loss"),
    ],
)
def test_a_loss_has_a_unit_if_it_is_a_bound_of_a_density(bounds, words):
    losses = [loss(bound) for bound in bounds]
    assert loss_words(METRICS, losses) == words
    assert f"<figcaption>{words}</figcaption>" in training(METRICS, losses)
    assert loss_words(GAME, losses) == "Loss of each player"


def test_epochs_are_whole_numbers():
    marks = re.findall(r'class="tick mid"[^>]*>([^<]+)<', training(METRICS))
    assert marks == ["1", "2", "3"]
