"""Hamiltonian dynamics of one chain, as coroutines that ask for the density where they need it.

A coroutine yields a position and receives the log-density there with its gradient. So the densities
of many chains, each at its own place in its own trajectory, are computed in one call.

The coordinates are real and unbounded. A momentum p has the distribution N(0, I) in the metric M:
it moves the position by L p, with L L^T = M^-1, and the gradient pulls it by L^T grad log p. That
is the dynamics of the kinetic energy r^T M^-1 r / 2 of the momentum r = L^-T p (Neal 2011, section
5.4.1), without a mass matrix in any formula.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Evaluation = tuple[float, Array]
"""The log-density at a position, -inf outside the support, and its gradient [size]."""

Result = TypeVar("Result")

Evaluated = Generator[Array, Evaluation, Result]
"""A coroutine that yields positions, receives their evaluations and returns a result."""


class Point(NamedTuple):
    """A position [size] with its log-density and the gradient of it [size]."""

    position: Array
    log_density: float
    gradient: Array


class Phase(NamedTuple):
    """A point with a momentum [size]."""

    point: Point
    momentum: Array

    @property
    def energy(self) -> float:
        """H = -log p(q) + p . p / 2; inf if it is not a number."""
        energy = 0.5 * float(self.momentum @ self.momentum) - self.point.log_density
        return energy if energy == energy else np.inf


class Metric:
    """L: the scale of each coordinate [size], or a lower triangular matrix [size, size]."""

    def __init__(self, factor: Array) -> None:
        self.factor = factor
        self.is_dense = factor.ndim == 2

    def moved(self, position: Array, momentum: Array, time: float) -> Array:
        """The position after it has moved with this momentum for some time: q + time L p."""
        velocity = self.factor @ momentum if self.is_dense else self.factor * momentum
        velocity *= time
        velocity += position
        return velocity

    def pulled(self, momentum: Array, gradient: Array, time: float) -> Array:
        """The momentum after the gradient has pulled it for some time: p + time L^T g."""
        pull = gradient @ self.factor if self.is_dense else self.factor * gradient
        pull *= time
        pull += momentum
        return pull


def leapfrog(phase: Phase, step: float, metric: Metric) -> Evaluated[Phase]:
    """One step of the leapfrog integrator (Neal 2011, equations 5.18 to 5.20).

        p' = p + step/2 L^T g(q);  q' = q + step L p';  p'' = p' + step/2 L^T g(q')

    It is reversible and preserves volume; with a negative step it goes back.
    """
    middle = metric.pulled(phase.momentum, phase.point.gradient, 0.5 * step)
    position = metric.moved(phase.point.position, middle, step)
    log_density, gradient = yield position
    after = Point(position, log_density, gradient)
    return Phase(after, metric.pulled(middle, gradient, 0.5 * step))
