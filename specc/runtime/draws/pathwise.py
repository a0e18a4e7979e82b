"""Gradients through reparameterized draws.

With K draws z_k = g(eps_k, phi) from a guide, weights w_k = p(x, z_k) / q(z_k) and v_k = w_k /
sum_j w_j, the gradient of the importance-weighted bound with respect to the guide is

    sum_k v_k (d log w_k/dz_k dz_k/dphi - d log q(z_k)/dphi).

The second term is a score, whose own reparameterization gives (Tucker et al. 2019, equation 8)

    sum_k v_k^2 d log w_k/dz_k dz_k/dphi.

The parameters of the model keep sum_k v_k d log w_k/dtheta.
"""

from __future__ import annotations

from torch import Tensor


def weigh_gradients(log_weight: Tensor, *draws: Tensor) -> None:
    """Multiplies the gradient of each draw z_k by v_k; particles are the first axis.

    `log_weight` is [K, rows], or [K, ..., rows], and a draw has further axes. The gradient that
    reaches a draw from the bound has the factor v_k, and leaves it with v_k^2. The parameters of
    log q must be detached, and no density may depend on the parameters of a draw in another way.
    """
    weight = log_weight.detach().softmax(0)
    for draw in draws:
        if draw.requires_grad:
            own = weight[(..., *(None,) * (draw.ndim - weight.ndim))]
            draw.register_hook(lambda g, own=own: g * own)  # type: ignore[no-untyped-call]
