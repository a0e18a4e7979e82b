"""Points and weights with which a sum over points is an integral or a sum over a support.

The integrals use the double-exponential substitutions of Takahasi and Mori (1974): the trapezoid
rule after them is exact to about 1e-12 for analytic integrands, also with an integrable
singularity at an end and with heavy tails.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

Grid = tuple[Tensor, Tensor]  # points [m, ...event], weights [m]


def interval(low: float, high: float, breaks: tuple[float, ...] = ()) -> Grid:
    """A grid for the integral from low to high, either of which may be infinite.

    The integrand need not be smooth at the `breaks`: the integral is taken in pieces.
    """
    ends = [low, *sorted({b for b in breaks if low < b < high}), high]
    pieces = [_piece(a, b) for a, b in pairwise(ends)]
    return torch.cat([p[0] for p in pieces]), torch.cat([p[1] for p in pieces])


def _piece(low: float, high: float) -> Grid:
    if np.isinf(low) and np.isfinite(high):
        x, weights = _piece(-high, np.inf)
        return -x.flip(0), weights.flip(0)
    t = np.arange(-1200, 1201) * 0.005
    if np.isinf(low) and np.isinf(high):
        x, dx = _line(t)
    elif np.isinf(high):
        x, dx = _ray(t)
        x = low + x
    else:
        x, dx = _between(low, high, t)
    keep = np.isfinite(x) & np.isfinite(dx) & (dx > 0) & (x > low) & (x < high)
    return torch.from_numpy(x[keep]), torch.from_numpy(0.005 * dx[keep])


def _line(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    t = t[np.abs(t) < 5.5]
    inner = 0.5 * np.pi * np.sinh(t)
    return np.sinh(inner), np.cosh(inner) * 0.5 * np.pi * np.cosh(t)


def _ray(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    t = t[np.abs(t) < 5.5]
    x = np.exp(0.5 * np.pi * np.sinh(t))
    return x, x * 0.5 * np.pi * np.cosh(t)


def _between(low: float, high: float, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inner = np.pi * np.sinh(t)
    with np.errstate(over="ignore"):
        share, rest = 1 / (1 + np.exp(-inner)), 1 / (1 + np.exp(inner))
    x = np.where(share < 0.5, low + (high - low) * share, high - (high - low) * rest)
    return x, (high - low) * share * rest * np.pi * np.cosh(t)


def integers(low: int, high: int) -> Grid:
    """A grid for the sum from low to high, both included."""
    x = torch.arange(low, high + 1, dtype=torch.float64)
    return x, torch.ones_like(x)


def vectors(points: list[tuple[float, ...]]) -> Grid:
    """A grid for the sum over listed vectors."""
    x = torch.tensor(points, dtype=torch.float64)
    return x, torch.ones(len(points), dtype=torch.float64)


def plane(loc: np.ndarray, factor: np.ndarray) -> Grid:
    """A grid for integrals over the plane of densities similar to a normal one: 12 sd wide."""
    t = np.arange(-120, 121) * 0.1
    z = np.stack(np.meshgrid(t, t), -1).reshape(-1, 2)
    weight = 0.01 * abs(np.linalg.det(factor))
    return torch.from_numpy(loc + z @ factor.T), torch.full((len(z),), weight, dtype=torch.float64)


def polar(loc: np.ndarray, factor: np.ndarray) -> Grid:
    """A grid for integrals over the plane of densities with heavy tails, in polar coordinates."""
    r, dr = _ray(np.arange(-275, 276) * 0.02)
    angle = np.arange(64) * (np.pi / 32)
    z = r[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    weights = 0.02 * (np.pi / 32) * abs(np.linalg.det(factor)) * np.repeat(r * dr, 64)
    return torch.from_numpy(loc + z.reshape(-1, 2) @ factor.T), torch.from_numpy(weights)


def triangle() -> Grid:
    """A grid for the integral over the simplex of three entries, in coordinates u and v.

    x_1 = u, x_2 = (1 - u) v, x_3 = (1 - u) (1 - v): the Jacobian is 1 - u.
    """
    t = np.arange(-70, 71) * 0.05
    u, du = _between(0.0, 1.0, t)
    inner = np.pi * np.sinh(t)
    rest = 1 / (1 + np.exp(inner))
    first, second = np.meshgrid(np.arange(len(t)), np.arange(len(t)), indexing="ij")
    a, b = first.ravel(), second.ravel()
    points = np.stack([u[a], rest[a] * u[b], rest[a] * rest[b]], -1)
    weights = 0.05**2 * du[a] * du[b] * rest[a]
    keep = (points > 0).all(-1)
    return torch.from_numpy(points[keep]), torch.from_numpy(weights[keep])
