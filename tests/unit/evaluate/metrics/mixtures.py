"""Eight normal distributions on a circle."""

import math

import torch

CENTRES = tuple((math.cos(math.pi * n / 4), math.sin(math.pi * n / 4)) for n in range(8))


def eight(rows, seed, modes=8, deviation=0.05):
    """Rows of the first `modes` of them, each of a random one: centres at radius 1."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.tensor(CENTRES, dtype=torch.float64)[
        torch.randint(modes, (rows,), generator=generator)
    ]
    noise = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    return centres + deviation * noise
