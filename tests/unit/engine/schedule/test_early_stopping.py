"""What the validation losses lead to."""

import json
import math
from dataclasses import replace

import pytest

from specc.engine.schedule.early_stopping import EarlyStopping, Patience, patience_of


def after(losses, min_delta=0.0, plateau=99):
    """The record after a validation every ten steps."""
    found = EarlyStopping()
    for number, loss in enumerate(losses, 1):
        found = found.after(loss, 10 * number, min_delta, plateau)
    return found


def test_the_best_and_the_validations_since():
    found = after([3.0, 2.0, 2.5, 2.0])
    assert (found.best, found.at, found.since, found.improved) == (2.0, 20, 2, False)
    assert after([3.0, 2.0]).improved


def test_a_small_gain_is_none():
    assert after([3.0, 2.95], min_delta=0.1).since == 1
    assert after([3.0, 2.85], min_delta=0.1).since == 0


def test_the_rate_falls_again_only_after_another_wait():
    drops = [after([1.0] * count, plateau=2).drops for count in range(1, 7)]
    assert drops == [0, 0, 1, 1, 2, 2]


def test_an_improvement_ends_the_wait():
    assert after([1.0, 1.0, 0.5, 0.5], plateau=2).drops == 0


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_no_improvement(loss):
    assert after([1.0, loss]).since == 1
    assert after([loss]).at == 0


@pytest.mark.parametrize("losses", [[], [math.nan], [3.0, 2.0, 2.5], [0.1, 1e-300]])
def test_a_checkpoint_stores_all_of_it(losses):
    found = after(losses, plateau=1)
    again = EarlyStopping.of_json(json.loads(json.dumps(found.as_json())))
    assert again == replace(found, improved=False)


def test_patience_from_the_manifest():
    assert patience_of(None) is None
    assert patience_of({}) == Patience(10, 0.0)
    assert patience_of({"patience": 3, "least": 0.5}) == Patience(3, 0.5)
