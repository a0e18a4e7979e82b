"""Tables as text: the fewest digits that are read back as the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from specc.report.export import as_csv


def table(values, precision=np.float64):
    head, *lines = as_csv({"x": np.asarray(values)}, precision).decode().splitlines()
    assert head == "x"
    return lines


def test_whole_numbers_have_no_point():
    assert table(np.array([4.0, -0.5, 1e20, np.nan], np.float32)) == ["4", "-0.5", "1e+20", "nan"]
    assert table([4, 5]) == ["4", "5"]
    assert table([True, False]) == ["1", "0"]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_text_of_a_number_is_short_and_exact(kind):
    values = np.random.default_rng(0).lognormal(0, 3, 1000).astype(kind)
    texts = table(values, kind)
    np.testing.assert_array_equal(np.array(texts, dtype=np.float64).astype(kind), values)
    assert max(map(len, texts)) <= {np.float16: 10, np.float32: 16, np.float64: 24}[kind]
    assert table(np.array([0.1, 1 / 3], kind))[0] == "0.1"


def test_numbers_of_a_run_in_float32_have_its_digits():
    """As of a standardized field: the model has float32, the conversion float64."""
    model = np.random.default_rng(0).normal(size=100).astype(np.float32)
    years = 1906.0 + 32.0 * model.astype(np.float64)
    texts = table(years, np.float32)
    assert max(map(len, texts)) <= 9
    np.testing.assert_allclose(np.array(texts, dtype=float), years, rtol=6e-8)
    assert table([1851.0000000001], np.float32) == ["1851"]
    assert table([1851.0000000001]) == ["1851.0000000001"]


def test_a_large_value_beside_a_narrow_range_keeps_its_digits():
    """Times in seconds: as float32 they would be multiples of 128."""
    times = 1.7e9 + np.linspace(0, 1e5, 7)
    read = np.array(table(times, np.float32), dtype=float)
    assert np.abs(read - times).max() <= 1e-6 * 1e5
    assert max(map(len, table(times, np.float32))) <= 14


def test_numbers_beyond_float32_stay():
    assert table([1e300, 1.0], np.float32) == ["1e+300", "1"]
    assert table([np.inf, np.nan, -np.inf], np.float32) == ["inf", "nan", "-inf"]


def test_entries_have_their_indices():
    found = as_csv({"m": np.arange(8).reshape(2, 2, 2), "a,b": np.array(["u", 'v"w'])})
    assert found == b'm.0.0,m.0.1,m.1.0,m.1.1,"a,b"\n0,1,2,3,u\n4,5,6,7,"v""w"\n'


def test_estimates_have_no_digits_without_meaning():
    found = as_csv({"x": np.array([1 / 3]), "y_mean": np.array([1 / 3])}, estimates={"y_mean"})
    assert found == b"x,y_mean\n0.3333333333333333,0.33333334\n"
