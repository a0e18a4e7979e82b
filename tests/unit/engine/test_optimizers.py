"""Optimizers without the import of torch's compiler make the steps that torch makes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from specc.engine import optimizers
from specc.engine.schedule.learning_rate import schedule_of
from specc.engine.settings import FUSED, OPTIMIZERS, PlayerSettings, optimizer_for

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
TRAINED = """
import sys
from specc.cli.main import main

sys.argv = ["specc", "train", "vae.yaml", "--out", "run", "--quiet"]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
found = [name for name in ("torch._dynamo", "sklearn") if name in sys.modules]
assert not found, found
"""
SPEC = """
specc: 1
name: vae
data: {source: digits, fields: {x: {from: image}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: continuous_bernoulli, logits: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links: {decoder: {mlp: [4]}, encoder: {mlp: [4]}}
objective: elbo
train: {steps: 2}
"""


def weights() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 2), (4,))]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_that_of_torch(name):
    own, other = weights(), weights()
    settings = PlayerSettings(name, {"lr": 0.1}, schedule_of(()), None)
    mine = optimizer_for(settings, own, CPU)
    fast = {"fused": True} if name in FUSED else {"foreach": True}
    theirs = OPTIMIZERS[name](other, lr=0.1, **fast)
    for number in range(4):
        for first, second in zip(own, other, strict=True):
            first.grad = torch.sin(first.detach() + number)
            second.grad = torch.sin(second.detach() + number)
        optimizers.step(mine)
        theirs.step()
        if number == 1:
            optimizers.load(mine, mine.state_dict()["state"])
    for first, second in zip(own, other, strict=True):
        assert torch.equal(first, second)
        assert first.requires_grad


def test_the_methods_are_left_as_they_are():
    with optimizers.without_compiler():
        pass
    for name in optimizers.METHODS:
        method = getattr(torch.optim.Optimizer, name).__wrapped__
        assert getattr(method, optimizers.EXCLUDED, None) is not method


def test_training_imports_neither_the_compiler_nor_what_it_does_not_need(tmp_path):
    (tmp_path / "vae.yaml").write_text(SPEC)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TRAINED]
    made = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
