"""The compiled Adam makes the updates of torch's optimizers."""

from __future__ import annotations

import pytest
import torch

from specc.engine.compile.adam import NUMBERS, Adam

OPTIONS = [
    ("adam", {}),
    ("adam", {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("adamw", {"weight_decay": 0.1, "amsgrad": True}),
]


def both(kind, options, change=lambda numbers: None):
    """The weights after 30 updates, by torch and by `Adam`, with a rate that varies."""
    start = torch.randn(5, generator=torch.Generator().manual_seed(0)).double()
    weight = start.clone().requires_grad_()
    cls = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    optimizer = cls([weight], **options)
    (group,) = optimizer.param_groups
    adam = Adam.of(kind, group)
    mine, held = start.clone(), [torch.zeros_like(start) for _ in adam.state]
    numbers, count = torch.empty(NUMBERS, dtype=torch.float64), torch.tensor(0.0)
    for k in range(30):
        group["lr"] = 0.1 / (1 + k)
        grad = torch.sin(torch.arange(5) * (k + 1.0)).double() * 10.0 ** -(k % 3)
        weight.grad = grad.clone()
        optimizer.step()
        adam.write(numbers, count, group["lr"])
        change(numbers)
        mine, *held = adam(mine, grad, held, numbers)
        count += 1
    assert set(adam.state) | {"step"} == set(optimizer.state[weight])
    return weight.detach(), mine


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_it_makes_the_updates_of_torch(kind, options):
    torchs, mine = both(kind, options)
    assert torch.allclose(torchs, mine, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("number", range(NUMBERS))
def test_a_wrong_number_is_found(number):
    """The test above fails if one of the numbers is wrong by a thousandth."""
    options = {"weight_decay": 0.1}
    torchs, mine = both("adamw", options, lambda numbers: numbers[number].mul_(1.001))
    assert not torch.allclose(torchs, mine, rtol=1e-6)
