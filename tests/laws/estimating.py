"""Mean gradients of a generated loss with their standard errors, against exact ones."""

from __future__ import annotations

import torch

from specc.runtime.noise import Noise
from specc.runtime.program import Program
from tests.losses import computed

ROWS = 2000
CHUNKS = 100
Z = 4.5
"""The bound of |z|: with a few dozen coordinates and Student's t of 99 degrees of freedom, a test
has a false alarm for one seed in 1,500."""


def settle(program: Program, seed: int = 0) -> None:
    """Sets parameters of order one, equal for every variant of a program."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in program.parameters():
            value.copy_(0.7 * torch.randn(value.shape, generator=generator, dtype=torch.float64))


def gradient(program: Program, loss: torch.Tensor) -> torch.Tensor:
    """The gradient of a scalar with respect to all parameters, as one vector."""
    found = torch.autograd.grad(loss, list(program.parameters()), allow_unused=True)
    pairs = zip(found, program.parameters(), strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def sampled(
    program: Program, batch: dict[str, torch.Tensor], data_size: int = 7, name: str = "loss"
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The mean gradient over CHUNKS batches of ROWS rows, its standard error, the mean loss."""
    rows = {name: value.expand(ROWS, *value.shape[1:]) for name, value in batch.items()}
    gradients, losses = [], []
    for chunk in range(CHUNKS):
        noise = Noise.at(chunk, 1, dtype=torch.float64)
        loss, *_ = computed(program, rows, noise, data_size, name=name)
        gradients.append(gradient(program, loss))
        losses.append(loss.detach())
    stacked = torch.stack(gradients)
    return stacked.mean(0), stacked.std(0) / CHUNKS**0.5, torch.stack(losses).mean()


def worst(program: Program, batch: dict[str, torch.Tensor], exact: torch.Tensor) -> float:
    """The largest |z| of the coordinates of the sampled gradient against the exact one."""
    mean, error, _ = sampled(program, batch)
    z = (mean - exact).abs() / error.clamp(min=1e-10 + 1e-9 * exact.abs().max().item())
    return z.max().item()
