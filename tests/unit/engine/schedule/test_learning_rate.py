"""Schedules of the learning rate: their values at the ends, between, and against torch's own."""

import math
import warnings

import pytest
import torch

from specc.engine.schedule.learning_rate import OPTIONS, Schedule, schedule_of
from specc.language.schema.schedules import SCHEDULES


def rates(schedule, steps=100, base=1.0):
    course = schedule_of(schedule)
    return [course.rate(base, step, steps) for step in range(steps)]


def test_without_a_schedule_the_rate_stays():
    assert set(rates(())) == {1.0}


def test_steps_hold_until_the_next():
    wanted = [{"at": 0.5, "lr": 0.1}, {"at": 0.8, "lr": 0.01}]
    found = rates(wanted, 10, base=0.5)
    assert found == [0.5] * 5 + [0.1] * 3 + [0.01] * 2


def test_the_cosine_is_torchs():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.3)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.03)
    found = rates({"cosine": {"final": 0.1}}, 50, base=0.3)
    for rate in found:
        assert math.isclose(rate, optimizer.param_groups[0]["lr"], rel_tol=1e-9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.step()


@pytest.mark.parametrize("kind", ["linear", "cosine", "exponential"])
def test_a_course_falls_to_its_final_share(kind):
    course = schedule_of({kind: {"final": 0.2}})
    found = [course.rate(2.0, step, 40) for step in range(41)]
    assert found[0] == 2.0
    assert math.isclose(found[-1], 0.4)
    assert found == sorted(found, reverse=True)


def test_the_middle_of_each_course():
    assert math.isclose(schedule_of({"linear": {}}).rate(1.0, 20, 40), 0.5)
    assert math.isclose(schedule_of({"exponential": {"final": 0.04}}).rate(1.0, 20, 40), 0.2)


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_a_warm_up_rises_to_the_base(kind):
    found = rates({kind: {"warmup": 0.1}})
    assert found[:10] == [pytest.approx((step + 1) / 10) for step in range(10)]
    assert found[10] == 1.0


def test_the_plateau_falls_but_not_below_its_end():
    course = schedule_of({"plateau": {"factor": 0.5, "final": 0.2}})
    assert [course.rate(1.0, 3, 10, falls) for falls in range(4)] == [1.0, 0.5, 0.25, 0.2]


def test_both_towers_know_the_same_courses_with_the_same_options():
    declared = {
        name: {key: field.default for key, field in model.model_fields.items()}
        for name, model in SCHEDULES.items()
    }
    assert declared == OPTIONS


def test_a_course_of_no_known_kind_is_refused():
    with pytest.raises(KeyError):
        schedule_of({"saw": {}})
    assert Schedule() == schedule_of([])
