"""Stochastic-gradient Langevin dynamics.

    q' = q + h / 2 g + sqrt(h) xi,  xi ~ Normal(0, I)

(Welling and Teh 2011, equation 4). For a normal target with the variance v and the exact gradient,
q' = (1 - h / (2 v)) q + sqrt(h) xi has the stationary variance v / (1 - h / (4 v)).
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
    return Stochastic(target.minibatches(sampler.chains), Langevin(), options_of(sampler), seed)


class Langevin:
    """The update of positions."""

    def start(self, positions: Tensor, step: float, noise: Noise) -> State:
        """The state beside the positions: nothing."""
        del positions, step, noise
        return {}

    def move(self, state: State, found: Estimate, step: float, noise: Noise) -> State:
        """The state after an update with an estimate of the gradient."""
        positions = state["positions"]
        jump = math.sqrt(step) * noise.normal(positions.shape)
        return {"positions": positions + 0.5 * step * found.gradients + jump}
