"""Continuous normalizing flows, integrated by the classical Runge-Kutta method with fixed steps.

Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations, section 4;
Grathwohl, Chen, Bettencourt, Sutskever and Duvenaud (2019), FFJORD, section 3 and appendix B.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.bijections.bijection import Stochastic
from specc.runtime.bijections.event import expand_to_context
from specc.runtime.noise import Noise

SmoothActivation = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Maps t to f(t) and df/dt."""

State = tuple[Tensor, ...]
Rate = Callable[..., State]
"""The derivatives of a state with respect to time, from the time and the state."""


def tanh(t: Tensor) -> tuple[Tensor, Tensor]:
    """The hyperbolic tangent y of t, with the slope 1 - y^2."""
    value = t.tanh()
    return value, 1 - value.square()


def softplus(t: Tensor) -> tuple[Tensor, Tensor]:
    """log(1 + exp(t)), with the slope sigmoid(t)."""
    return functional.softplus(t), t.sigmoid()


def silu(t: Tensor) -> tuple[Tensor, Tensor]:
    """t sigmoid(t), with its slope."""
    share = t.sigmoid()
    return t * share, share * (1 + t * (1 - share))


SMOOTH_ACTIVATIONS: dict[str, SmoothActivation] = {
    "silu": silu,
    "softplus": softplus,
    "tanh": tanh,
}


class ContinuousFlow(Stochastic):
    """x = z(1) for dz/dt = f(z, t; c), z(0) = u, for vectors of `size` entries.

    log |det dx/du| is the integral of tr(df/dz) from 0 to 1 (the instantaneous change of variables;
    Chen et al., theorem 1). State and trace are integrated together in `steps` steps of the
    classical Runge-Kutta method, forward in time for x and backward for u, so that the two
    directions and the log-determinant agree up to the error of the method, O(steps^-4). Gradients
    are those of the steps themselves, by backpropagation.

    With noise the trace is v^T (df/dz) v, where v has entries of mean 0 and variance 1 and is the
    same in the whole solution (Hutchinson; FFJORD, eq. 7 and 8): `trace` is the distribution of v,
    "rademacher" or "normal", or "exact" for the trace itself, which costs a product with the
    Jacobian for each entry. Without noise, as in metrics and draws, there are `fine_steps` steps:
    training adapts to the error of few steps, so that by them its own density looks too high.
    """

    def __init__(
        self,
        size: int,
        hidden: Sequence[int],
        activation: str,
        steps: int,
        trace: str,
        fine_steps: int = 64,
        context: int = 0,
    ) -> None:
        super().__init__()
        self.steps, self.trace, self.fine_steps = steps, trace, fine_steps
        self.field = VectorField(size, hidden, activation, context)

    def forward(
        self, u: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        return self._solve(u, context, noise, is_forward=True)

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """x alone, without traces, by the fine steps."""
        return self._moved(u, context, is_forward=True)

    def inverse_value(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """u alone, without traces."""
        return self._moved(x, context, is_forward=False)

    def inverse(
        self, x: Tensor, context: Tensor | None = None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        return self._solve(x, context, noise, is_forward=False)

    def _solve(
        self, value: Tensor, context: Tensor | None, noise: Noise | None, *, is_forward: bool
    ) -> tuple[Tensor, Tensor]:
        field, z = self.field.at(context), expand_to_context(value, context, 1)
        probe = None if noise is None else self._probe(noise, z)

        def rate(t: float, z: Tensor, _: Tensor) -> State:
            velocity, slopes = field(t, z)
            if probe is None:
                return velocity, field.trace(slopes)
            return velocity, (probe * field.times(slopes, probe)).sum(-1)

        steps = self.fine_steps if noise is None else self.steps
        z, log_det = integrated(rate, (z, torch.zeros_like(z[..., 0])), steps, is_forward)
        return z, log_det

    def _moved(self, value: Tensor, context: Tensor | None, *, is_forward: bool) -> Tensor:
        field, z = self.field.at(context), expand_to_context(value, context, 1)

        def rate(t: float, z: Tensor) -> State:
            return (field(t, z)[0],)

        return integrated(rate, (z,), self.fine_steps, is_forward)[0]

    def _probe(self, noise: Noise, like: Tensor) -> Tensor | None:
        if self.trace == "normal":
            return noise.normal(like.shape).to(like)
        if self.trace == "rademacher":
            return torch.where(noise.uniform(like.shape) < 0.5, -1.0, 1.0).to(like)
        return None


def integrated(rate: Rate, state: State, steps: int, is_forward: bool) -> State:
    """The state at time 1 from that at time 0, or the reverse."""
    h, start = (1 / steps, 0.0) if is_forward else (-1 / steps, 1.0)
    for step in range(steps):
        state = runge_kutta(rate, start + step * h, state, h)
    return state


def runge_kutta(rate: Rate, t: float, state: State, h: float) -> State:
    """The state at t + h by the classical method of order 4; h may be negative."""

    def moved(by: float, rates: State) -> State:
        return tuple(x + by * r for x, r in zip(state, rates, strict=True))

    first = rate(t, *state)
    second = rate(t + h / 2, *moved(h / 2, first))
    third = rate(t + h / 2, *moved(h / 2, second))
    fourth = rate(t + h, *moved(h, third))
    sums = zip(first, second, third, fourth, strict=True)
    return moved(h / 6, tuple(a + 2 * (b + c) + d for a, b, c, d in sums))


class GatedLinear(nn.Module):
    """(W h + b) sigmoid(G s + g) + V s, for s = (t, c): time and context.

    The layer "concatsquash" of FFJORD, appendix B.1.
    """

    def __init__(self, inputs: int, outputs: int, given: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.gate = nn.Linear(given, outputs)
        self.shift = nn.Linear(given, outputs, bias=False)

    def at(self, context: Tensor | None) -> TimedLinear:
        """The layer at a context."""
        gate: Tensor = self.gate.bias
        shift = torch.zeros_like(gate)
        if context is not None:
            gate = functional.linear(context, self.gate.weight[:, 1:], gate)
            shift = functional.linear(context, self.shift.weight[:, 1:])
        pace = (self.gate.weight[:, 0], self.shift.weight[:, 0])
        return TimedLinear(self.linear.weight, self.linear.bias, gate, shift, pace)


@dataclass(frozen=True, slots=True)
class TimedLinear:
    """A `GatedLinear` at a context, for repeated evaluation: gate and shift are affine in t."""

    weight: Tensor
    bias: Tensor
    gate: Tensor
    shift: Tensor
    pace: tuple[Tensor, Tensor]

    def __call__(self, t: float, h: Tensor) -> tuple[Tensor, Tensor]:
        """The value at h, and the factor of W in its derivative."""
        gate = torch.sigmoid(self.gate + t * self.pace[0])
        value = functional.linear(h, self.weight, self.bias) * gate
        return value + (self.shift + t * self.pace[1]), gate


class VectorField(nn.Module):
    """f(z, t; c): gated layers with an activation between two; the last one starts at 0."""

    def __init__(self, size: int, hidden: Sequence[int], activation: str, context: int) -> None:
        super().__init__()
        self.activation = SMOOTH_ACTIVATIONS[activation]
        sizes = [size, *hidden, size]
        self.layers = nn.ModuleList(GatedLinear(a, b, 1 + context) for a, b in pairwise(sizes))
        last = cast("GatedLinear", self.layers[-1])
        for start in (last.linear.weight, last.linear.bias, last.shift.weight):
            nn.init.zeros_(start)

    def at(self, context: Tensor | None) -> Field:
        """The field at a context."""
        layers = cast("Iterable[GatedLinear]", self.layers)
        return Field([layer.at(context) for layer in layers], self.activation)


@dataclass(frozen=True, slots=True)
class Field:
    """The vector field at a context: velocities, and products with its Jacobian.

    The slopes are a factor for each output of each layer.
    """

    layers: list[TimedLinear]
    activation: SmoothActivation

    def __call__(self, t: float, z: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The velocity at z [..., size], and the slopes."""
        slopes, value = [], z
        for layer in self.layers[:-1]:
            raw, gate = layer(t, value)
            value, slope = self.activation(raw)
            slopes.append(slope * gate)
        value, gate = self.layers[-1](t, value)
        return value, [*slopes, gate]

    def times(self, slopes: list[Tensor], v: Tensor) -> Tensor:
        """The product of the Jacobian with v; additional leading axes of v broadcast."""
        for layer, slope in zip(self.layers, slopes, strict=True):
            v = functional.linear(v, layer.weight) * slope
        return v

    def trace(self, slopes: list[Tensor]) -> Tensor:
        """The trace of the Jacobian, from all its columns."""
        size, like = self.layers[0].weight.shape[1], slopes[0]
        eye = torch.eye(size, dtype=like.dtype, device=like.device)
        columns = self.times(slopes, eye.reshape(size, *(1,) * (like.ndim - 1), size))
        return columns.movedim(0, -1).diagonal(dim1=-2, dim2=-1).sum(-1)
