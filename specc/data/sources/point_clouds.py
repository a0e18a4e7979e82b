"""Clouds of points on circles, squares and diamonds of the plane."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.table import ALL, Array, Column, Table

ROWS, POINTS = 20_000, 24
NOISE = 0.02


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`x` [points, 2], the points of each cloud in random order, and `label`, its outline.

    The points are uniform in their direction from the origin, on the outline {p: norm(p) = r} of
    the Euclidean norm (0, a circle), the largest absolute coordinate (1, a square) or the sum of
    both (2, a diamond), plus normal noise of deviation 0.02. r is uniform on (0.5, 1).
    """
    del folder, used
    rng = np.random.default_rng(int(options.get("seed", 0)))
    rows, points = int(options.get("rows", ROWS)), int(options.get("points", POINTS))
    label = rng.integers(0, 3, rows)
    size = rng.uniform(0.5, 1.0, (rows, 1, 1))
    angle = rng.uniform(0, 2 * np.pi, (rows, points))
    direction = np.stack([np.cos(angle), np.sin(angle)], -1)
    every = np.stack([norm(direction) for norm in NORMS])
    on = direction / every[label, np.arange(rows)][..., None]
    x = size * on + NOISE * rng.standard_normal((rows, points, 2))
    part = {"x": Column(x), "label": Column(label.astype(np.uint8))}
    return Table({ALL: part}, default_split={"test": 0.2}, place="point_clouds")


def euclidean(points: Array) -> Array:
    """The Euclidean norm over the last axis, whose unit circle is a circle."""
    found: Array = np.linalg.norm(points, axis=-1)
    return found


def largest(points: Array) -> Array:
    """The largest absolute coordinate, whose unit circle is a square."""
    found: Array = np.abs(points).max(-1)
    return found


def absolute_sum(points: Array) -> Array:
    """The sum of absolute coordinates, whose unit circle is a diamond."""
    found: Array = np.abs(points).sum(-1)
    return found


NORMS = (euclidean, largest, absolute_sum)
"""The norm of each outline, by label."""
