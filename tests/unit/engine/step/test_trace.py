"""The origin of a number that is not finite."""

import importlib.util

import pytest
import torch

from specc.engine.step.trace import origin_of

CODE = """import torch

def draw():
    return torch.empty(3).exponential_(), torch.zeros(3).new_empty(2).fill_(1.0)

def wrong():
    return torch.empty(3).fill_(-1.0).log()
"""


@pytest.fixture
def filled():
    """Torch fills memory that is not initialized with NaN."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def test_memory_without_numbers_is_no_origin(tmp_path, filled):
    (tmp_path / "model.py").write_text(CODE)
    spec = importlib.util.spec_from_file_location("model", tmp_path / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert torch.empty(3).isnan().all()
    assert origin_of(module.draw, tmp_path) is None
    assert origin_of(module.wrong, tmp_path).value == "NaN"
