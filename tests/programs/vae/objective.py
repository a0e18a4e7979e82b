"""The objective of `vae`: the evidence lower bound.

ELBO = E_q[log p(x | z)] - KL(q(z | x) || p(z))

z: pathwise, z = loc + scale * eps
KL(q(z | x) || p(z)): closed form, Normal and Normal
"""

from __future__ import annotations

from torch import Tensor

from specc.runtime.distributions import bernoulli, normal
from specc.runtime.noise import Noise

from .guide import Guide
from .model import Model


def loss(
    model: Model, guide: Guide, noise: Noise, *, x: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """-ELBO, the mean over the rows of the batch, and its parts."""
    # q(z | x) = Normal(encoder(x))
    z_loc, z_scale = guide.q_z(x)
    z = normal.rsample(noise, z_loc, z_scale)

    # log p(x | z) = log Bernoulli(x; logits = decoder(z))
    x_logits = model.p_x(z)
    log_p_x = bernoulli.log_prob(x, x_logits).sum(-1)

    # KL(q(z | x) || p(z))
    kl_z = normal.kl_normal(z_loc, z_scale, 0.0, 1.0).sum(-1)

    elbo = (log_p_x - kl_z).mean()
    return -elbo, {"elbo": elbo, "log p(x | z)": log_p_x.mean(), "KL(z)": kl_z.mean()}
