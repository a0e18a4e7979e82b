"""The stochastic-gradient Nosé-Hoover thermostat.

    p' = p - z p h + g h + sqrt(2 A h) xi,  xi ~ Normal(0, I)
    q' = q + p' h
    z' = z + (mean of p'^2 over the coordinates - 1) h

(Ding et al. 2014, algorithm 2). The friction z balances the noise of g too, whatever its size. For
many normal coordinates of the variance s, z is constant, and var p = 1 gives var q = s (1 - z h /
2).
"""

from __future__ import annotations

import math

from torch import Tensor

from specc.engine.samplers.stochastic import Estimate, State, Stochastic, options_of
from specc.engine.samplers.target import Target
from specc.runtime.noise import Noise
from specc.runtime.sampler import Sampler


def chains(target: Target, sampler: Sampler, seed: int) -> Stochastic:
    """The chains of the sampler in the manifest."""
    rule = Thermostat(float(sampler.options["diffusion"]))
    return Stochastic(target.minibatches(sampler.chains), rule, options_of(sampler), seed)


class Thermostat:
    """The update of positions, momenta and the friction of each chain."""

    def __init__(self, diffusion: float) -> None:
        self.diffusion = diffusion

    def start(self, positions: Tensor, step: float, noise: Noise) -> State:
        """Momenta of the variance 1, and a friction that balances the added noise alone."""
        del step
        friction = positions.new_full((len(positions), 1), self.diffusion)
        return {"momenta": noise.normal(positions.shape), "friction": friction}

    def move(self, state: State, found: Estimate, step: float, noise: Noise) -> State:
        """The state after an update with an estimate of the gradient."""
        positions, momenta, friction = state["positions"], state["momenta"], state["friction"]
        jump = math.sqrt(2.0 * self.diffusion * step) * noise.normal(positions.shape)
        after = (1.0 - step * friction) * momenta + step * found.gradients + jump
        heat = (after**2).mean(-1, keepdim=True) - 1.0
        return {
            "positions": positions + step * after,
            "momenta": after,
            "friction": friction + step * heat,
        }
