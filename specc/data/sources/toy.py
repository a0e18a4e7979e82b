"""Samples from toy densities on the plane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.table import ALL, Array, Column, Table
from specc.runtime.failure import USAGE, RunFailure

ROWS = 20_000

Points = tuple[Array, Array]
"""Points [n, 2], and the component of each."""


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`x` [2], points from the density, and `label`, the component of each.

    Raises RunFailure: E0505, if there is no such density.
    """
    del folder, used
    name = str(options.get("density", ""))
    if name not in DENSITIES:
        message, hint = f"there is no density `{name}`", f"the densities are {', '.join(DENSITIES)}"
        raise RunFailure("E0505", message, hint=hint, exit_code=USAGE)
    rng = np.random.default_rng(int(options.get("seed", 0)))
    x, label = DENSITIES[name](rng, int(options.get("rows", ROWS)))
    x = rotated(x, int(options.get("rotate", 0)))
    part = {"x": Column(x), "label": Column(label.astype(np.uint8))}
    return Table({ALL: part}, default_split={"test": 0.2}, place=name)


def rotated(x: Array, degrees: int) -> Array:
    """The points rotated around the origin, anticlockwise."""
    if not degrees:
        return x
    cosine, sine = _round(np.deg2rad(np.array([degrees])))[0]
    turned: Array = x @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def checkerboard(rng: np.random.Generator, rows: int) -> Points:
    """Every other square of side 2 in a 4 by 4 board: uniform on an area of 32.

    log p(x) = -ln 32 there, and the entropy is ln 32 = 3.4657. A component is a column of the
    board.
    """
    across = rng.uniform(-2, 2, rows)
    column = np.floor(across)
    up = rng.uniform(0, 1, rows) - 2 * rng.integers(0, 2, rows) + column % 2
    return 2 * np.stack([across, up], 1), column + 2


def circles(rng: np.random.Generator, rows: int) -> Points:
    """Two circles of radius 3 and 1.5, with noise of 0.24."""
    inner = rng.integers(0, 2, rows)
    angle = rng.uniform(0, 2 * np.pi, rows)
    on = (3 - 1.5 * inner)[:, None] * _round(angle)
    return on + 0.24 * rng.standard_normal((rows, 2)), inner


def clusters(rng: np.random.Generator, rows: int) -> Points:
    """Three normal distributions of deviation 0.15 at (1, 0), (-0.4, 0.9) and (-0.5, -0.6).

    They have the weights 0.5, 0.3 and 0.2, so that no rotation maps the density to itself.
    """
    part = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    centres = np.array([[1.0, 0.0], [-0.4, 0.9], [-0.5, -0.6]])
    return centres[part] + 0.15 * rng.standard_normal((rows, 2)), part


def moons(rng: np.random.Generator, rows: int) -> Points:
    """Two half circles of radius 1 around (0, 0) and (1, 0.5), with noise of 0.1."""
    lower = rng.integers(0, 2, rows)
    angle = rng.uniform(0, np.pi, rows)
    turned = (1 - 2 * lower)[:, None] * _round(angle) + lower[:, None] * np.array([1.0, 0.5])
    return turned + 0.1 * rng.standard_normal((rows, 2)), lower


def pinwheel(rng: np.random.Generator, rows: int) -> Points:
    """Five normal distributions on a circle, stretched radially and rotated by the radius."""
    arm = rng.integers(0, 5, rows)
    flat = rng.standard_normal((rows, 2)) * np.array([0.3, 0.1]) + np.array([1.0, 0.0])
    angle = 2 * np.pi * arm / 5 + 0.25 * np.exp(flat[:, 0])
    across, up = _round(angle).T
    turned = np.stack(
        [flat[:, 0] * across + flat[:, 1] * up, flat[:, 0] * up - flat[:, 1] * across]
    )
    return 2 * turned.T, arm


def ring(rng: np.random.Generator, rows: int) -> Points:
    """Eight normal distributions with standard deviation 0.05 on a circle of radius 1.

    They hardly overlap, so the entropy is ln 8 + ln(2 pi e 0.05^2) = -1.0742.
    """
    part = rng.integers(0, 8, rows)
    return _round(2 * np.pi * part / 8) + 0.05 * rng.standard_normal((rows, 2)), part


def spirals(rng: np.random.Generator, rows: int) -> Points:
    """Two spirals of one and a half turns, rotated against each other by half a turn."""
    arm = rng.integers(0, 2, rows)
    angle = 3 * np.pi * np.sqrt(rng.uniform(0, 1, rows))
    on = angle[:, None] * _round(angle) * np.array([-1, 1]) + rng.uniform(0, 0.5, (rows, 2))
    turned = (1 - 2 * arm)[:, None] * on / 3
    return turned + 0.1 * rng.standard_normal((rows, 2)), arm


def _round(angle: Array) -> Array:
    """Points on the circle of radius 1."""
    return np.stack([np.cos(angle), np.sin(angle)], 1)


DENSITIES: dict[str, Callable[[np.random.Generator, int], Points]] = {
    "checkerboard": checkerboard,
    "circles": circles,
    "clusters": clusters,
    "moons": moons,
    "pinwheel": pinwheel,
    "ring": ring,
    "spirals": spirals,
}
