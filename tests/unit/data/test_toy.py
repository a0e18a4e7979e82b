"""The densities of the plane, against what is known of them."""

import math

import numpy as np
import pytest

from specc.catalog.registry import SOURCES
from specc.catalog.sources import PARTS
from specc.data import sources
from specc.data.sources.toy import DENSITIES
from specc.data.table import ALL
from specc.runtime.failure import RunFailure

ROWS = 40_000


def read(density, rows=ROWS, seed=0):
    options = {"density": density, "rows": rows, "seed": seed}
    part = sources.reader("toy")(options, None).parts[ALL]
    return part["x"].raw, part["label"].raw


def test_the_same_densities_are_declared_and_drawn():
    assert set(DENSITIES) == set(PARTS)


@pytest.mark.parametrize("density", PARTS)
def test_columns_are_as_declared(density):
    x, label = read(density, 500)
    columns = SOURCES["toy"].columns({"density": density})
    assert x.shape == (500, 2) and columns["x"].shape == (2,)
    assert set(np.unique(label)) == set(range(PARTS[density]))
    assert columns["label"].support.high == PARTS[density] - 1


@pytest.mark.parametrize("density", PARTS)
def test_a_seed_decides_the_points(density):
    assert (read(density, 50)[0] == read(density, 50)[0]).all()
    assert (read(density, 50)[0] != read(density, 50, seed=1)[0]).any()


def test_the_checkerboard_is_even_on_an_area_of_32():
    """The share of each of the 8 squares is 1/8: a chi-square of 7, refused at 1e-6."""
    x, _ = read("checkerboard")
    square = np.floor((x + 4) / 2).astype(int)
    assert ((square >= 0) & (square < 4)).all()
    counts = np.zeros((4, 4))
    np.add.at(counts, tuple(square.T), 1)
    full = counts > 0
    assert full.sum() == 8 and (full == full[::-1, ::-1]).all()
    assert (full[:, :-1] ^ full[:, 1:]).all() and (full[:-1] ^ full[1:]).all()
    chi = ((counts[full] - ROWS / 8) ** 2 / (ROWS / 8)).sum()
    assert chi < 40.5
    assert math.isclose(math.log(8 * 4), 3.4657, abs_tol=1e-4)


def test_the_ring_has_the_entropy_that_its_page_says():
    """Minus the mean of log p over draws, within 5 standard errors of the closed form."""
    x, _ = read("ring")
    angle = 2 * np.pi * np.arange(8) / 8
    middle = np.stack([np.cos(angle), np.sin(angle)], 1)
    square = ((x[:, None] - middle) ** 2).sum(-1)
    log_p = np.log(np.exp(-square / (2 * 0.05**2)).mean(1) / (2 * np.pi * 0.05**2))
    error = log_p.std() / np.sqrt(ROWS)
    assert abs(-log_p.mean() - -1.0742) < 5 * error + 1e-4


def test_an_unknown_density_is_refused_with_the_known_ones():
    with pytest.raises(RunFailure, match="there is no density `ring8`") as failure:
        read("ring8")
    assert failure.value.code == "E0505" and "checkerboard" in str(failure.value.hint)
