"""q: the guide of `linear`."""

from __future__ import annotations

from torch import Tensor, nn

from specc.runtime.distributions import normal
from specc.runtime.noise import Noise


class Guide(nn.Module):
    """q(z | x)."""

    def __init__(self) -> None:
        super().__init__()
        self.z_loc = nn.Linear(5, 2)
        self.z_log_scale = nn.Linear(5, 2)

    def q_z(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z | x ~ Normal: loc [..., 2], scale [..., 2]."""
        return self.z_loc(x), self.z_log_scale(x).exp()

    def sample(
        self, noise: Noise, particles: int, *, x: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Draw `particles` latents for each row; the latents and log q of each."""
        z_loc, z_scale = self.q_z(x)
        z = normal.rsample(noise, z_loc, z_scale, shape=(particles, *z_loc.shape))
        return {"z": z}, normal.log_prob(z, z_loc, z_scale).sum(-1)
