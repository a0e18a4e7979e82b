"""Clouds of points, against what is known of their outlines."""

import numpy as np
import pytest

from specc.catalog.registry import SOURCES
from specc.data import sources
from specc.data.sources.point_clouds import NOISE, NORMS
from specc.data.table import ALL


def read(**options):
    part = sources.reader("point_clouds")(options, None).parts[ALL]
    return part["x"].raw, part["label"].raw


def test_columns_are_as_declared():
    x, label = read(rows=50, points=7)
    columns = SOURCES["point_clouds"].columns({"points": 7})
    assert x.shape == (50, 7, 2) and columns["x"].shape == (7, 2)
    assert set(np.unique(label)) == {0, 1, 2}
    assert columns["label"].support.high == 2
    assert read(rows=5)[0].shape == (5, *SOURCES["point_clouds"].columns({})["x"].shape)


def test_a_seed_decides_the_points():
    assert (read(rows=5)[0] == read(rows=5)[0]).all()
    assert (read(rows=5)[0] != read(rows=5, seed=1)[0]).all()


@pytest.mark.parametrize("label", range(3))
def test_the_points_are_on_the_outline(label):
    """The mean norm of the points is the size, and noise is all that differs from it."""
    x, labels = read(rows=300, points=1000)
    norms = [norm(x[labels == label]) for norm in NORMS]
    size = norms[label].mean(1)
    assert 0.49 < size.min() < 0.55
    assert 0.95 < size.max() < 1.01
    for other, norm in enumerate(norms):
        error = np.sqrt(((norm / norm.mean(1, keepdims=True) - 1) ** 2).mean())
        assert (error < 2 * NOISE) == (other == label)


def test_the_order_of_the_points_is_random():
    """Neighbours in the order are as far from each other as other points."""
    x, _ = read(rows=2000)
    near = np.linalg.norm(x[:, 1:] - x[:, :-1], axis=-1).mean()
    far = np.linalg.norm(x[:, 12:] - x[:, :12], axis=-1).mean()
    assert abs(near - far) < 0.03
