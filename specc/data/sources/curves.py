"""Curves drawn from a Gaussian process, each with points that are known and points to predict."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.table import ALL, Array, Column, Table

ROWS, CONTEXT, POINTS = 20_000, 10, 20
LENGTH_SCALE, NOISE = 1.0, 0.1
AT_ONCE = 4096
"""The number of curves whose covariances are in memory at one time."""


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`context_x`, `context_y` [context], of which the first `known` count, and `x`, `y` [points].

    All points of a row are on one curve, f ~ GP(0, k) with k(x, x') = exp(-(x - x')^2 / 2),
    plus normal noise of deviation 0.1. Points x are uniform on (-2, 2), and `known` is uniform on
    the integers from 1 to `context`; further entries of the context are zeros.
    """
    del folder, used
    rng = np.random.default_rng(int(options.get("seed", 0)))
    rows, points = int(options.get("rows", ROWS)), int(options.get("points", POINTS))
    context = int(options.get("context", CONTEXT))
    known = rng.integers(1, context + 1, rows)
    x = rng.uniform(-2, 2, (rows, context + points))
    y = np.concatenate([drawn(rng, x[i : i + AT_ONCE]) for i in range(0, rows, AT_ONCE)])
    inside = np.arange(context) < known[:, None]
    part = {
        "context_x": Column(np.where(inside, x[:, :context], 0.0)),
        "context_y": Column(np.where(inside, y[:, :context], 0.0)),
        "known": Column(known),
        "x": Column(x[:, context:]),
        "y": Column(y[:, context:]),
    }
    return Table({ALL: part}, default_split={"test": 0.2}, place="curves")


def covariance(x: Array, other: Array) -> Array:
    """k(x, x') for all pairs of points of each row: [rows, points, others]."""
    found: Array = np.exp(-0.5 * ((x[:, :, None] - other[:, None, :]) / LENGTH_SCALE) ** 2)
    return found


def drawn(rng: np.random.Generator, x: Array) -> Array:
    """Noisy values at the points of each row: [rows, points]."""
    noisy = covariance(x, x) + NOISE**2 * np.eye(x.shape[1])
    found: Array = np.linalg.cholesky(noisy) @ rng.standard_normal((*x.shape, 1))
    return found[..., 0]
