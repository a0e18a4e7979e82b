"""The running mean of the weights."""

import torch

from specc.engine.loop.ema import EMA


def test_the_mean_follows_its_formula():
    layer = torch.nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        layer.weight.fill_(1.0)
    averages = EMA(layer, 0.5)
    wanted = 1.0
    for step in range(20):
        with torch.no_grad():
            layer.weight.fill_(float(step))
        averages.update(step)
        keep = min(0.5, (1 + step) / (10 + step))
        wanted = keep * wanted + (1 - keep) * step
    assert torch.allclose(averages.mean["weight"], torch.tensor(wanted, dtype=torch.float64))


def test_the_weights_come_back_after_use():
    layer = torch.nn.Linear(2, 2)
    averages = EMA(layer, 0.9)
    with torch.no_grad():
        layer.weight.add_(1.0)
    live = layer.weight.detach().clone()
    with averages.in_place():
        assert torch.equal(layer.weight, averages.mean["weight"])
    assert torch.equal(layer.weight, live)
    assert not torch.equal(averages.mean["weight"], live)
