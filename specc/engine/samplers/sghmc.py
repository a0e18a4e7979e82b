"""Stochastic-gradient Hamiltonian Monte Carlo.

    v' = (1 - a) v + h g + sqrt(2 a h) xi,  xi ~ Normal(0, I)
    q' = q + v'

(Chen, Fox and Guestrin 2014, equation 15, with the estimate 0 of the noise of g). For a normal
target with the variance s and the exact gradient, stationarity of the second moments gives

    var v = 2 h / (2 - a - h / (2 s)),  var q = s / (1 - h / (2 s (2 - a)))
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
    rule = Momentum(float(sampler.options["friction"]))
    return Stochastic(target.minibatches(sampler.chains), rule, options_of(sampler), seed)


class Momentum:
    """The update of positions and momenta with friction."""

    def __init__(self, friction: float) -> None:
        self.friction = friction

    def start(self, positions: Tensor, step: float, noise: Noise) -> State:
        """Momenta of the variance h."""
        return {"momenta": math.sqrt(step) * noise.normal(positions.shape)}

    def move(self, state: State, found: Estimate, step: float, noise: Noise) -> State:
        """The state after an update with an estimate of the gradient."""
        positions, momenta = state["positions"], state["momenta"]
        jump = math.sqrt(2.0 * self.friction * step) * noise.normal(positions.shape)
        after = (1.0 - self.friction) * momenta + step * found.gradients + jump
        return {"positions": positions + after, "momenta": after}
