"""Curves of a Gaussian process, against the covariance of which they are drawn."""

import numpy as np

from specc.catalog.registry import SOURCES
from specc.data import sources
from specc.data.sources.curves import LENGTH_SCALE, NOISE
from specc.data.table import ALL


def read(**options):
    part = sources.reader("curves")(options, None).parts[ALL]
    return {name: column.raw for name, column in part.items()}


def test_columns_are_as_declared():
    found = read(rows=50, context=4, points=7)
    columns = SOURCES["curves"].columns({"context": 4, "points": 7})
    assert {name: values.shape for name, values in found.items()} == {
        name: (50, *column.shape) for name, column in columns.items()
    }
    assert set(found["known"]) == {1, 2, 3, 4}
    assert {name: c.shape for name, c in SOURCES["curves"].columns({}).items()} == {
        name: values.shape[1:] for name, values in read(rows=3).items()
    }


def test_a_seed_decides_the_curves():
    assert (read(rows=5)["y"] == read(rows=5)["y"]).all()
    assert (read(rows=5)["y"] != read(rows=5, seed=1)["y"]).all()


def test_what_is_not_known_is_zero():
    found = read(rows=200)
    beyond = np.arange(10) >= found["known"][:, None]
    for name in ("context_x", "context_y"):
        assert (found[name][beyond] == 0).all()
        assert (found[name][~beyond] != 0).all()


def test_values_have_the_covariance_of_the_process():
    """Of context and points, by their distance: within 5 standard errors, so p < 1e-6 a bin."""
    found = read(rows=100_000, context=1, points=1)
    distance = np.abs(found["context_x"] - found["x"])[:, 0]
    products = (found["context_y"] * found["y"])[:, 0]
    for low in np.arange(0, 4, 0.5):
        near = (distance >= low) & (distance < low + 0.5)
        excess = products[near] - np.exp(-0.5 * (distance[near] / LENGTH_SCALE) ** 2)
        assert abs(excess.mean()) < 5 * excess.std() / near.sum() ** 0.5
    squares = found["y"] ** 2
    assert abs(squares.mean() - (1 + NOISE**2)) < 5 * squares.std() / len(squares) ** 0.5
