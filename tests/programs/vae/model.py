"""p: the model of `vae`, a variational autoencoder (Kingma and Welling, 2014).

p(z, x) = p(z) p(x | z)

z ~ Normal(0, 1)                     specs/vae.yaml:9
x ~ Bernoulli(logits = decoder(z))   specs/vae.yaml:10
"""

from __future__ import annotations

from torch import Tensor, nn

from specc.runtime.distributions import bernoulli, normal
from specc.runtime.noise import Noise


class Model(nn.Module):
    """p(z, x) = p(z) p(x | z)."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(
            nn.Linear(6, 24),
            nn.Tanh(),
            nn.Linear(24, 24),
            nn.Tanh(),
            nn.Linear(24, 64),
        )

    def p_x(self, z: Tensor) -> Tensor:
        """x | z ~ Bernoulli(logits = decoder(z)): the logits, [..., 64]."""
        return self.decoder(z)

    def log_joint(self, *, z: Tensor, x: Tensor) -> Tensor:
        """log p(z) + log p(x | z), for each row."""
        x_logits = self.p_x(z)
        log_p_z = normal.log_prob(z, 0.0, 1.0).sum(-1)
        log_p_x = bernoulli.log_prob(x, x_logits).sum(-1)
        return log_p_z + log_p_x

    def sample(self, noise: Noise, rows: int) -> dict[str, Tensor]:
        """Draw `rows` rows from the model, latents first."""
        z = normal.sample(noise, 0.0, 1.0, shape=(rows, 6))
        x_logits = self.p_x(z)
        x = bernoulli.sample(noise, x_logits)
        return {"z": z, "x": x}

    def mean(self, *, z: Tensor) -> dict[str, Tensor]:
        """The mean of each observed node, given the latents."""
        return {"x": bernoulli.mean(self.p_x(z))}
