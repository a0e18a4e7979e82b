from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from specc.engine import device
from specc.runtime.failure import RunFailure

LEFT = """
import sys
{start}
import torch
torch.set_num_threads(2)
tiny = torch.full((1 << 20,), 1e-40)
grad = torch.full((1 << 20,), 1e-30, requires_grad=True)
(grad * 1e-10).sum().backward()
print(int((tiny * 0.5 != 0).sum()), int((grad.grad * 1e-30 != 0).sum()))
torch.set_num_threads(1)
torch.set_num_threads(2)
print(int((tiny * 0.5 != 0).sum()))
"""


def run(start, **environment):
    found = subprocess.run(
        [sys.executable, "-c", LEFT.format(start=start)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return found.stdout.split()


def test_denormals_are_flushed_in_every_thread():
    assert run("from specc.engine import device; device.prepare()") == ["0", "0", "0"]


def test_denormals_are_there_without_it():
    assert run("") == [str(1 << 20)] * 3


def test_waiting_is_set_before_torch_is_loaded():
    code = """
import os, sys
from specc.engine import device
assert "torch" not in sys.modules
device.prepare()
print(os.environ.get("GOMP_SPINCOUNT"))
"""
    for given, expected in (({}, device.SPINS), ({"GOMP_SPINCOUNT": "7"}, "7")):
        kept = {
            k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
        }
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**kept, **given}
        )
        assert found.stdout.strip() == expected, found.stderr


@pytest.mark.parametrize("name", ["cpu", "auto"])
def test_devices_that_are_there(name):
    assert device.choose(name).type in ("cpu", "cuda")


@pytest.mark.parametrize("name", ["cuda:99", "abacus", "meta", ""])
def test_devices_that_are_not(name):
    with pytest.raises(RunFailure) as failure:
        device.choose(name)
    assert failure.value.code == "E0807"
    assert failure.value.exit_code == 2


def test_small_steps_take_one_thread(monkeypatch):
    monkeypatch.setattr(device, "available_threads", lambda: 2)
    assert device.threads_for(600, 128) == 1
    assert device.threads_for(600, 128, particles=1000) == 2
    assert device.threads_for(600_000, 128) == 2


@pytest.mark.parametrize(
    ("wanted", "most"),
    [("1", 1), ("1000", 1000), ("", 1000), ("many", 1000), ("\N{SUPERSCRIPT TWO}", 1000)],
)
def test_available_threads(monkeypatch, wanted, most):
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert 1 <= device.available_threads() <= min(most, os.cpu_count() or 1)


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), device.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before
