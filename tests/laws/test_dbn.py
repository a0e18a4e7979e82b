"""A greedy layer of `dbn` is contrastive divergence: the loss of a machine, at the same draws."""

from pathlib import Path

import pytest
import torch

from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.laws.compiling import program

SPECS, GENERATED = Path("specs"), Path("generated")


def losses(folder, change=None):
    """The gradients in w, a and b of the first stage, and of `cd` from the data."""
    text = (SPECS / "rbm.yaml").read_text(encoding="utf-8")
    text = text.replace("persistent: true, chains: 100", "persistent: false")
    machine, net = program(text, folder).model, load(GENERATED / "dbn").double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        pairs = (net.model.w1, machine.w), (net.model.a, machine.a), (net.guide.c1, machine.b)
        for one, other in pairs:
            one.copy_(0.3 * torch.randn(one.shape, generator=generator, dtype=torch.float64))
            other.copy_(one)
        v = (torch.rand(20, 64, generator=generator) < 0.5).double()
    found = net.loss("first_layer", {}, {"x": v}, Noise.at(2, dtype=torch.float64), {}).loss
    drawn = machine.gibbs(Noise.at(2, dtype=torch.float64), v=v, steps=1)["v"]
    if change is not None:
        drawn = change(drawn)
    wanted = (machine.free_energy(v) - machine.free_energy(drawn)).mean()
    mine = torch.autograd.grad(found, [one for one, _ in pairs])
    theirs = torch.autograd.grad(wanted, [other for _, other in pairs])
    return (found, *mine), (wanted, *theirs)


def test_a_greedy_layer_is_contrastive_divergence(tmp_path):
    for found, wanted in zip(*losses(tmp_path), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_another_chain_has_other_gradients(tmp_path):
    for found, wanted in zip(*losses(tmp_path, lambda v: 1 - v), strict=True):
        with pytest.raises(AssertionError):
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
