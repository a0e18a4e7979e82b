"""q: the guide of `vae`."""

from __future__ import annotations

from torch import Tensor, nn

from specc.runtime.distributions import normal
from specc.runtime.noise import Noise


class Guide(nn.Module):
    """q(z | x)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(64, 24),
            nn.Tanh(),
            nn.Linear(24, 24),
            nn.Tanh(),
        )
        self.z_loc = nn.Linear(24, 6)
        self.z_log_scale = nn.Linear(24, 6)

    def q_z(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z | x ~ Normal(encoder(x)): loc [..., 6], scale [..., 6]."""
        h = self.encoder(x)
        return self.z_loc(h), self.z_log_scale(h).exp()

    def sample(
        self, noise: Noise, particles: int, *, x: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Draw `particles` latents for each row; the latents and log q of each."""
        z_loc, z_scale = self.q_z(x)
        z = normal.rsample(noise, z_loc, z_scale, shape=(particles, *z_loc.shape))
        log_q_z = normal.log_prob(z, z_loc, z_scale).sum(-1)
        return {"z": z}, log_q_z
