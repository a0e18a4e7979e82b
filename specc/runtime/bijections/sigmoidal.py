"""Increasing maps by mixtures of sigmoids: deep sigmoidal flows and couplings of Flow++.

Huang, Krueger, Lacoste and Courville (2018), Neural autoregressive flows, section 3.1; Ho, Chen,
Srinivas, Duan and Abbeel (2019), Flow++, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.bijections.autoregressive import Autoregressive
from specc.runtime.bijections.conditional_parameter import STILL
from specc.runtime.bijections.coupling import Coupling, vectors
from specc.runtime.bijections.root import root
from specc.runtime.bijections.scalar import ScalarMap, ScaleAndShift

LEAST = 1e-2
"""The least slope a_k of a sigmoid, so that the bracket of a root is not too long."""


class SigmoidMixture(ScalarMap):
    """u = logit(sum_k w_k sigmoid(a_k x + b_k)), with weights w that sum to one and a_k > 0.

    The sum is the distribution function of a mixture of logistics with the means -b_k / a_k and the
    scales 1 / a_k. Of the 3 `units` parameters of an entry the first are the logits of w, the next
    give a by softplus, and the last shift b. If all are 0, the components have different means
    (otherwise all units would have equal gradients for ever), and the map is the identity to 5 %.

    `inverse` is in closed form. `forward` is the root x, which lies between the smallest and
    the largest of the roots (u - b_k) / a_k of the components, to machine precision.
    """

    def __init__(self, units: int) -> None:
        self.units, self.size = units, 3 * units
        means = [2 * k / (units - 1) - 1 if units > 1 else 0.0 for k in range(units)]
        # Logistics of this scale with these means have together the variance of a standard one.
        scale = math.sqrt(1 - 3 * sum(m * m for m in means) / units / math.pi**2)
        self.start, self.slope = [-m / scale for m in means], 1 / scale

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The value x and log dx/du of each entry."""
        log_w, a, b = self._of(given)
        each = (u - b) / a
        with torch.no_grad():
            fixed = (log_w.detach(), a.detach(), b.detach())
            x = root(lambda x: _excess(x, u, fixed), each.amin(0).detach(), each.amax(0).detach())
        value, slope = _excess(x, u, (log_w, a, b))
        x = x - value / slope
        return x, -_sigmoids(x, log_w, a, b)[1]

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The draw u and log du/dx of each entry."""
        return _sigmoids(x, *self._of(given))

    def _of(self, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log w, a and b, [units, ...]."""
        logits, slope, b = given.split_with_sizes([self.units] * 3)
        start = b.new_tensor(self.start).reshape(-1, *(1,) * (b.ndim - 1))
        a = LEAST + (self.slope - LEAST) * functional.softplus(slope + STILL)
        return logits.log_softmax(0), a, b + start


def _sigmoids(x: Tensor, log_w: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """u = logit(sum_k w_k sigmoid(a_k x + b_k)) and log du/dx, without cancellation."""
    z = a * x + b
    below, above = functional.logsigmoid(z), functional.logsigmoid(-z)
    log_p, log_q = (log_w + below).logsumexp(0), (log_w + above).logsumexp(0)
    log_slope = (log_w + a.log() + below + above).logsumexp(0)
    return log_p - log_q, log_slope - log_p - log_q


def _excess(x: Tensor, u: Tensor, mixture: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    value, log_slope = _sigmoids(x, *mixture)
    return value - u, log_slope.exp()


class MixtureCdf(ScalarMap):
    """u = (logit(sum_k w_k sigmoid(a_k x + b_k)) - t) exp(-s): a mixture, then an affine map.

    Flow++, eq. 11 to 14. `forward` needs a root, `inverse` is in closed form.
    """

    def __init__(self, units: int) -> None:
        self.mixture, self.affine = SigmoidMixture(units), ScaleAndShift()
        self.size = self.mixture.size + self.affine.size

    def forward(self, u: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The value x and log dx/du of each entry."""
        middle, first = self.affine.forward(u, given[self.mixture.size :])
        x, second = self.mixture.forward(middle, given[: self.mixture.size])
        return x, first + second

    def inverse(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The draw u and log du/dx of each entry."""
        middle, second = self.mixture.inverse(x, given[: self.mixture.size])
        u, first = self.affine.inverse(middle, given[self.mixture.size :])
        return u, first + second


class NeuralAutoregressive(Autoregressive):
    """A `SigmoidMixture` for each entry, with parameters from the entries of x before it."""

    def __init__(
        self, size: int, hidden: Sequence[int], activation: str, units: int, context: int = 0
    ) -> None:
        super().__init__(SigmoidMixture(units), size, hidden, activation, context)


class MixtureCoupling(Coupling):
    """A coupling that applies a `MixtureCdf` to the other half of a vector."""

    def __init__(
        self,
        size: int,
        keeps: str,
        hidden: Sequence[int],
        activation: str,
        units: int,
        context: int = 0,
    ) -> None:
        super().__init__(MixtureCdf(units), size, keeps, vectors(hidden, activation, context))
