"""Preconditioned stochastic-gradient Langevin dynamics.

    V' = a V + (1 - a) u^2,  u = g / rows
    G  = 1 / (r + sqrt(V'))
    q' = q + h / 2 (G g + dG/dq) + sqrt(h G) xi,  xi ~ Normal(0, I)

(Li, Chen, Carlson and Carin 2016, algorithm 1). V starts as 0 and is divided by the sum of its
weights. In the limit of small steps V is the mean of u^2 at a position, so that

    dG/dq = -G^2 / (2 sqrt(V)) W,  W' = a W + (1 - a) 2 u du/dq

where du/dq, the diagonal of the Hessian, has the unbiased estimate z (H z) with random signs z
(Hutchinson 1990). Li et al. leave dG/dq out, as does `correction: false`. Their argument takes the
derivative of the last term of V alone, which is small for a near 1; but V follows the position as
the steps become small, whatever a is, and the stationary density without dG/dq is p(q | data) / G.
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.engine.samplers.stochastic import Estimate, State, Stochastic, options_of
from specc.engine.samplers.target import Target
from specc.runtime.noise import Noise
from specc.runtime.sampler import Sampler


def chains(target: Target, sampler: Sampler, seed: int) -> Stochastic:
    """The chains of the sampler in the manifest."""
    own = sampler.options
    corrects = bool(own["correction"])
    rule = Preconditioned(
        target.rows, float(own["memory"]), float(own["regularization"]), corrects=corrects
    )
    gradient = target.minibatches(sampler.chains, with_curvature=corrects)
    return Stochastic(gradient, rule, options_of(sampler), seed)


class Preconditioned:
    """The update of positions with the preconditioner of RMSProp."""

    def __init__(
        self, rows: int, memory: float, regularization: float, *, corrects: bool = True
    ) -> None:
        self.rows, self.memory, self.regularization = rows, memory, regularization
        self.corrects = corrects

    def start(self, positions: Tensor, step: float, noise: Noise) -> State:
        """The sums of weights, of squares of gradients, and of their derivatives: 0."""
        del step, noise
        names = ("weight", "squares", "slopes")
        return {name: torch.zeros_like(positions) for name in names}

    def move(self, state: State, found: Estimate, step: float, noise: Noise) -> State:
        """The state after an update with an estimate of the gradient."""
        positions, each = state["positions"], found.gradients / self.rows
        weight = self._mean(state["weight"], torch.ones_like(each))
        squares = self._mean(state["squares"], each**2)
        root = (squares / weight).sqrt()
        scale = 1.0 / (self.regularization + root)
        drift, slopes = scale * found.gradients, state["slopes"]
        if self.corrects:
            assert found.curvatures is not None
            slopes = self._mean(slopes, 2.0 * each * found.curvatures / self.rows)
            change = -0.5 * scale**2 * slopes / (weight * root)
            drift = drift + torch.where(root > 0.0, change, 0.0)
        jump = (step * scale).sqrt() * noise.normal(positions.shape)
        after = positions + 0.5 * step * drift + jump
        return {"positions": after, "weight": weight, "squares": squares, "slopes": slopes}

    def _mean(self, before: Tensor, new: Tensor) -> Tensor:
        return self.memory * before + (1.0 - self.memory) * new
