"""The von Mises distribution of angles, entry by entry.

    log p(x) = k (cos(x - loc) - 1) - log(2 pi e^-k I_0(k)),  k = concentration,  -pi <= x <= pi

x, loc and concentration broadcast; concentration > 0. The density is periodic: at an x outside of
[-pi, pi] it is that of the same angle. Bishop (2006), equation 2.179.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.bessel import log_i0e
from specc.runtime.noise import Noise
from specc.runtime.number import Number

LOG_2PI = math.log(2 * math.pi)

PROPOSALS = 32
"""At least 0.65 of the proposals are accepted: all are rejected with a probability of 3e-15."""


def log_prob(value: Tensor, loc: Number, concentration: Number) -> Tensor:
    """The log-density; cos d - 1 is -2 sin(d / 2)^2, which does not cancel."""
    x, center, k = number.reals(value, loc, concentration)
    half = (0.5 * (x - center)).sin()
    return -2 * k * half * half - LOG_2PI - log_i0e(k)


@torch.no_grad()
def sample(
    noise: Noise, loc: Number, concentration: Number, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Angles by rejection from a wrapped Cauchy distribution (Best and Fisher 1979).

    The first of `PROPOSALS` that is accepted is drawn, so that the number of random numbers does
    not depend on their values. It is computed in float64: the envelope cancels.
    """
    size = tuple(number.full_shape(shape, loc, concentration))
    u = noise.uniform((3, PROPOSALS, *size)).double()
    k = number.broadcast(concentration, u[0, 0]).double()
    root = (1 + 4 * k * k).sqrt()
    # With rho = (tau - sqrt(2 tau)) / 2 k, the parameter r is (1 + rho^2) / 2 rho.
    tau = 1 + root
    rho = 2 * k / (tau + (2 * tau).sqrt())
    r = (1 + rho * rho) / (2 * rho)
    z = (math.pi * u[0]).cos()
    f = (1 + r * z) / (r + z)
    c = k * (r - f)
    accepted = (c * (2 - c) > u[1]) | ((c / u[1]).log() + 1 - c >= 0)
    first = accepted.to(torch.uint8).argmax(0, keepdim=True)
    angle = f.gather(0, first).squeeze(0).clamp(-1, 1).acos()
    signed = torch.where(u[2, 0] < 0.5, -angle, angle)
    drawn = torch.remainder(loc + signed + math.pi, 2 * math.pi) - math.pi
    end = math.pi * (1 - torch.finfo(noise.dtype).eps)  # pi in float32 is above pi
    return drawn.to(noise.dtype).clamp(-end, end)
