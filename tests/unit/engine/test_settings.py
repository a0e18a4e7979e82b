from __future__ import annotations

import pytest
import torch

from specc.engine.schedule.learning_rate import Schedule
from specc.engine.settings import FUSED, OPTIMIZERS, optimizer_for, settings_of
from specc.runtime.failure import RunFailure

TRAIN = {"optimizer": {"adam": {"lr": 0.001}}, "batch_size": 10, "epochs": 4}


def test_what_is_left_out():
    found = settings_of(TRAIN)
    assert (found.seed, found.schedule, found.clip, found.dtype) == (
        0,
        Schedule(),
        None,
        torch.float32,
    )
    assert (found.accumulate, found.ema, found.patience, found.needs_validation) == (
        1,
        None,
        None,
        False,
    )


def test_length():
    assert settings_of(TRAIN).length(95) == (10, 40)
    assert settings_of({**TRAIN, "epochs": None, "steps": 7}).length(95) == (10, 7)


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": {"adamm": {}}},
        {"optimizer": {}},
        {"optimizer": "adam"},
        {"optimizer": {"adam": {}, "sgd": {}}},
        {"batch_size": 0},
        {"batch_size": None},
        {"epochs": None},
        {"epochs": 0},
        {"schedule": [{"at": 0.5}]},
        {"precision": "float16"},
        {"schedule": {"saw": {}}},
        {"schedule": {"cosine": {"warmups": 1}}},
    ],
)
def test_damaged_settings(change):
    with pytest.raises(RunFailure) as failure:
        settings_of({**TRAIN, **change})
    assert failure.value.code == "E0808"


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_makes_progress(name):
    parameter = torch.nn.Parameter(torch.full((5,), 3.0))
    settings = settings_of({**TRAIN, "optimizer": {name: {"lr": 0.1}}})
    optimizer = optimizer_for(settings, [parameter], torch.device("cpu"))
    assert bool(optimizer.param_groups[0].get("fused")) == (name in FUSED)
    for _ in range(5):
        optimizer.zero_grad(set_to_none=True)
        parameter.square().sum().backward()
        optimizer.step()
    assert parameter.abs().max() < 3.0


def test_options_reach_the_optimizer():
    settings = settings_of({**TRAIN, "optimizer": {"adam": {"lr": 0.5, "betas": [0.1, 0.2]}}})
    group = optimizer_for(settings, [torch.zeros(2)], torch.device("cpu")).param_groups[0]
    assert (group["lr"], group["betas"]) == (0.5, (0.1, 0.2))


@pytest.mark.parametrize("options", [{"rate": 1.0}, {"lr": -1.0}])
def test_options_that_do_not_fit(options):
    settings = settings_of({**TRAIN, "optimizer": {"adam": options}})
    with pytest.raises(RunFailure, match="refuses its options") as failure:
        optimizer_for(settings, [torch.zeros(2)], torch.device("cpu"))
    assert failure.value.exit_code == 2
