"""The exact log-densities of toy points, and sums over the plane."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp


def checkerboard(x):
    """log p of points of the checkerboard, which is uniform on an area of 32."""
    return np.full(len(x), -np.log(32))


def ring(x):
    """log p of eight normal distributions of standard deviation 0.05 on the unit circle."""
    angle = np.arange(8) * np.pi / 4
    centers = np.stack([np.cos(angle), np.sin(angle)], 1)
    away = ((x[:, None] - centers) ** 2).sum(-1) / (2 * 0.05**2)
    return logsumexp(-away, 1) - np.log(8 * 2 * np.pi * 0.05**2)


def moons(x, y):
    """log p given the class: normal noise of standard deviation 0.1 around a half circle."""
    angle = (np.arange(1000) + 0.5) * np.pi / 1000
    arc = np.stack([np.cos(angle), np.sin(angle)], 1)
    found = np.empty(len(x))
    for label, on in ((0, arc), (1, np.array([1.0, 0.5]) - arc)):
        away = ((x[y == label][:, None] - on) ** 2).sum(-1) / (2 * 0.1**2)
        found[y == label] = logsumexp(-away, 1) - np.log(1000 * 2 * np.pi * 0.1**2)
    return found


def pinwheel(x):
    """log p of arms, each a normal (u, v), rotated by 0.25 exp(u) and scaled by 2.

    The determinant of that map is 4 (1 - 0.25 exp(u) v), and (u, v) of a point is a fixed point.
    Preimages beyond the fold of the map, 4 standard deviations away, are ignored.
    """
    radius, angle = np.hypot(*x.T) / 2, np.arctan2(x[:, 1], x[:, 0])
    arms = []
    for arm in range(5):
        own, turn = angle - 2 * np.pi * arm / 5, np.zeros_like(angle)
        for _ in range(200):
            turn = own - 0.25 * np.exp(radius * np.cos(turn))
        u, v = radius * np.cos(turn), radius * np.sin(turn)
        met = np.abs(own - 0.25 * np.exp(u) - turn) < 1e-9
        fold = 1 - 0.25 * np.exp(u) * v
        log_p = -0.5 * ((u - 1) / 0.3) ** 2 - 0.5 * (v / 0.1) ** 2 - np.log(2 * np.pi * 0.3 * 0.1)
        with np.errstate(divide="ignore", invalid="ignore"):
            arms.append(np.where(met & (fold > 0), log_p - np.log(4 * 5 * fold), -np.inf))
    return logsumexp(np.stack(arms), 0)


@dataclass(frozen=True)
class Grid:
    """A grid of `cells` times `cells` cells on the square from -half to half."""

    half: float
    cells: int

    def points(self):
        """The centres of all cells, in float32: [cells * cells, 2]."""
        along = (np.arange(self.cells) + 0.5) * 2 * self.half / self.cells - self.half
        across, up = np.meshgrid(along, along, indexing="ij")
        return np.stack([across.ravel(), up.ravel()], 1).astype(np.float32)

    def masses(self, log_p):
        """The probability of each cell from the log-density at its centre: [cells, cells]."""
        return np.exp(log_p).reshape(self.cells, self.cells) * (2 * self.half / self.cells) ** 2

    def counts(self, x, coarse):
        """The counts of points in coarse x coarse parts of the square, and outside of it."""
        at = np.floor((x + self.half) * coarse / (2 * self.half)).astype(int)
        inside = ((at >= 0) & (at < coarse)).all(1)
        flat = np.bincount(at[inside] @ np.array([coarse, 1]), minlength=coarse**2)
        return np.append(flat, (~inside).sum())

    def coarser(self, masses, coarse):
        """The probability of each part, and of the outside."""
        each = self.cells // coarse
        parts = masses.reshape(coarse, each, coarse, each).sum((1, 3)).ravel()
        return np.append(parts, max(0.0, 1.0 - parts.sum()))
