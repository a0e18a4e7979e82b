"""The gradient of a likelihood whose latents are summed out is that of the M-step of EM.

Fisher's identity: grad log p(x) = sum_z p(z | x) grad log p(x, z), where the probabilities are
those of the same parameters (Dempster, Laird and Rubin 1977, equation 3.2).
"""

import pytest
import torch

from specc.runtime.program import load
from tests.house.files import ROOT

ROWS = 7


def moved(program, seed):
    """The program with other parameters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for own in program.parameters():
            own.add_(0.3 * torch.randn(own.shape, dtype=own.dtype, generator=generator))
    return program


def gradient(program, value):
    found = torch.autograd.grad(value, tuple(program.parameters()), allow_unused=True)
    return torch.cat([own.flatten() for own in found if own is not None])


def rows_of(name):
    """Values of the observed nodes, and those of the latent along a first axis."""
    generator = torch.Generator().manual_seed(1)
    if name == "gaussian_mixture":
        x = torch.rand(ROWS, 64, dtype=torch.float64, generator=generator)
        return {"x": x}, {"k": torch.arange(10)[:, None].expand(10, ROWS)}
    sizes = {"difficulty": 2, "grade": 3, "sat": 2, "letter": 2}
    seen = {name: torch.randint(size, (ROWS,), generator=generator) for name, size in sizes.items()}
    return seen, {"intelligence": torch.arange(2)[:, None].expand(2, ROWS)}


@pytest.mark.parametrize("name", ["gaussian_mixture", "student"])
def test_fishers_identity(name):
    """The probabilities of other parameters, as those of a step before, give another gradient."""
    program = moved(load(ROOT / "generated" / name).double(), 0)
    seen, values = rows_of(name)
    joint = program.model.log_joint(**values, **seen)
    exact = program.model.log_prob(**seen)
    assert torch.allclose(joint.logsumexp(0), exact, rtol=1e-12)
    wanted = gradient(program, exact.sum())
    probs = joint.softmax(0).detach()
    found = gradient(program, (probs * program.model.log_joint(**values, **seen)).sum())
    assert torch.allclose(found, wanted, rtol=1e-9, atol=1e-12)
    with torch.no_grad():
        before = moved(load(ROOT / "generated" / name).double(), 2).model.log_joint(
            **values, **seen
        )
    other = program.model.log_joint(**values, **seen)
    wrong = gradient(program, (before.softmax(0) * other).sum())
    assert not torch.allclose(wrong, wanted, rtol=1e-2, atol=1e-4)
