"""The objective of `linear`: the evidence lower bound."""

from __future__ import annotations

from torch import Tensor

from specc.runtime.distributions import normal
from specc.runtime.noise import Noise

from .guide import Guide
from .model import Model


def loss(
    model: Model, guide: Guide, noise: Noise, *, x: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """-ELBO, the mean over the rows of the batch, and its parts."""
    z_loc, z_scale = guide.q_z(x)
    z = normal.rsample(noise, z_loc, z_scale)
    x_loc, x_scale = model.p_x(z)
    log_p_x = normal.log_prob(x, x_loc, x_scale).sum(-1)
    kl_z = normal.kl_normal(z_loc, z_scale, 0.0, 1.0).sum(-1)
    elbo = (log_p_x - kl_z).mean()
    return -elbo, {"elbo": elbo, "log p(x | z)": log_p_x.mean(), "KL(z)": kl_z.mean()}
