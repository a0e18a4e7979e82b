"""What is said of a part of the data, and its pictures."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from specc.data import table
from specc.data.describe import summary
from specc.data.picture import _edges, _grid, picture
from specc.data.table import Column
from specc.runtime.fields import Data, Field, Support


def field(shape=(), **more):
    return Field("x", "x", shape, "float32", Support("any"), **more)


def test_ranges_shares_and_types():
    raw = np.array([[1.0, np.nan], [np.inf, 4.0], [2.0, 3.0]])
    found = summary(field((2,), scale=0.5), Column(raw))
    assert (found.rows, found.shape, found.kind, found.dtype) == (3, (2,), "float64", "float32")
    assert (found.low, found.high, found.mean) == (0.5, 2.0, 1.25)
    assert found.missing == 2 / 6


def test_bytes_are_described_as_the_source_means_them():
    found = summary(field(), Column(np.array([0, 255, 51], np.uint8), 1 / 255))
    assert (found.low, found.high, found.missing) == (0.0, 1.0, 0.0)


def test_a_file_in_pieces_is_described_as_one(monkeypatch):
    raw = np.random.default_rng(0).normal(size=(1000, 3))
    whole = summary(field((3,)), Column(raw))
    monkeypatch.setattr(table, "CHUNK", 240)
    pieces = summary(field((3,)), Column(raw))
    assert (pieces.low, pieces.high) == (whole.low, whole.high) == (raw.min(), raw.max())
    assert pieces.mean == pytest.approx(raw.mean(), abs=1e-12)


def test_what_rows_are_filled_up_with_is_no_value():
    raw = np.array([[3.0, 4.0, 0.0], [5.0, 0.0, 0.0]])
    found = summary(field((3,)), Column(raw, lengths=np.array([2, 1])))
    assert (found.low, found.high, found.mean) == (3.0, 5.0, 4.0)


@pytest.mark.parametrize("raw", [np.array(["a", "b"]), np.array([np.nan, np.nan])])
def test_a_column_without_a_number(raw):
    found = summary(field(), Column(raw))
    assert (found.low, found.high, found.mean) == (None, None, None)
    assert found.missing == (1.0 if raw.dtype.kind == "f" else 0.0)


def test_pictures_stand_where_they_belong():
    raw = np.arange(5 * 6).reshape(5, 6)
    sheet = _grid(raw, (2, 3))
    assert sheet.shape == (2 * 2 + 1, 3 * 3 + 2)
    np.testing.assert_allclose(sheet[0:2, 4:7] * 29, raw[1].reshape(2, 3))
    np.testing.assert_allclose(sheet[3:5, 0:3] * 29, raw[3].reshape(2, 3))
    assert (sheet[3:5, 8:] == 1).all()


@pytest.mark.parametrize("shape", [(3, 2, 4), (2, 4, 3)])
def test_colours_of_either_layout(shape):
    values = np.arange(24).reshape(2, 4, 3)
    raw = values if shape[-1] == 3 else values.transpose(2, 0, 1)
    np.testing.assert_allclose(_grid(raw.reshape(1, 24), shape) * 23, values)


def test_bars_of_whole_numbers():
    assert _edges(np.array([0, 2, 5])).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert len(_edges(np.array([0.5, 2.0]))) == 41
    assert len(_edges(np.array([3.25, 3.25]))) == 41


def shown(parts, *fields):
    data = Data("npz", {}, {}, {f.name: f for f in fields})
    return Image.open(BytesIO(picture([(parts, data)]))).convert("RGB")


def test_every_kind_of_field_has_a_panel():
    rng = np.random.default_rng(0)
    wanted = {
        "a": (
            Field("a", "a", (16,), "float32", Support("any"), picture=(4, 4)),
            rng.random((70, 16)),
        ),
        "b": (Field("b", "b", (3,), "float32", Support("any")), rng.random((70, 3))),
        "c": (Field("c", "c", (20,), "float32", Support("any")), rng.integers(0, 4, (70, 20))),
        "d": (Field("d", "d", (), "int64", Support("any")), rng.integers(0, 3, 70)),
        "e": (Field("e", "e", (), "float32", Support("any")), np.full(70, np.nan)),
        "f": (Field("f", "f", (), "float32", Support("any")), np.full(70, "text")),
    }
    part = {name: Column(raw) for name, (_, raw) in wanted.items()}
    found = shown({"train": part, "test": part}, *(f for f, _ in wanted.values()))
    # A grid, three histograms for the numbers of b, one each for c, d and e: two lines of four.
    assert found.size == (4 * 506, 2 * 418)


def test_the_picture_shows_the_data():
    """Dark rows make a dark grid, and light ones a light one."""
    wanted = Field("x", "x", (4,), "float32", Support("any"), picture=(2, 2))
    raw = np.zeros((64, 4))
    raw[0, 0] = 1.0
    dark = np.asarray(shown({"train": {"x": Column(raw)}}, wanted), float).mean()
    light = np.asarray(shown({"train": {"x": Column(1 - raw)}}, wanted), float).mean()
    assert light > dark + 50
