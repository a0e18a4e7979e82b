"""What the validation losses lead to."""

import math

from specc.engine.watch import Patience, Watch, patience_of, watched


def after(losses, least=0.0, plateau=99):
    return watched([{"valid": {"loss": loss}} for loss in losses], least, plateau)


def test_the_best_and_the_validations_since():
    found = after([3.0, 2.0, 2.5, 2.0])
    assert (found.best, found.since, found.improved) == (2.0, 2, False)
    assert after([3.0, 2.0]).improved


def test_a_small_gain_is_none():
    assert after([3.0, 2.95], least=0.1).since == 1
    assert after([3.0, 2.85], least=0.1).since == 0


def test_the_rate_falls_again_only_after_another_wait():
    falls = [after([1.0] * count, plateau=2).falls for count in range(1, 7)]
    assert falls == [0, 0, 1, 1, 2, 2]


def test_an_improvement_ends_the_wait():
    assert after([1.0, 1.0, 0.5, 0.5], plateau=2).falls == 0


def test_a_loss_that_is_not_a_number_is_no_improvement():
    assert after([1.0, math.nan]).since == 1


def test_lines_without_a_validation_do_not_count():
    assert watched([{"loss": 1.0}], 0.0, 1) == Watch()


def test_patience_from_the_manifest():
    assert patience_of(None) is None
    assert patience_of({}) == Patience(10, 0.0)
    assert patience_of({"patience": 3, "least": 0.5}) == Patience(3, 0.5)
