"""p: the model of `linear`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from specc.runtime.distributions import normal
from specc.runtime.noise import Noise


class Model(nn.Module):
    """p(z, x) = p(z) p(x | z)."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Linear(2, 5)
        self.raw_scale = nn.Parameter(torch.zeros(()))

    def p_x(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x | z ~ Normal(decoder(z), exp(raw_scale)): loc [..., 5] and scale."""
        return self.decoder(z), self.raw_scale.exp()

    def log_joint(self, *, z: Tensor, x: Tensor) -> Tensor:
        """log p(z) + log p(x | z), for each row."""
        x_loc, x_scale = self.p_x(z)
        log_p_z = normal.log_prob(z, 0.0, 1.0).sum(-1)
        return log_p_z + normal.log_prob(x, x_loc, x_scale).sum(-1)

    def sample(self, noise: Noise, rows: int) -> dict[str, Tensor]:
        """Draw `rows` rows from the model, latents first."""
        z = normal.sample(noise, 0.0, 1.0, shape=(rows, 2))
        x_loc, x_scale = self.p_x(z)
        return {"z": z, "x": normal.sample(noise, x_loc, x_scale)}

    def mean(self, *, z: Tensor) -> dict[str, Tensor]:
        """The mean of each observed node, given the latents."""
        return {"x": self.p_x(z)[0]}
