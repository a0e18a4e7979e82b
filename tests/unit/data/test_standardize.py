"""`standardize`: the mean and the deviation of the training rows, for the rows of every part."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from specc.data import table
from specc.data.load import load
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support
from specc.runtime.noise import Noise

REAL = Support("interval")
MASK = np.arange(12) >= 9


def field(shape=(2,), **more):
    return Field("x", "x", shape, "float32", REAL, standardize=True, at="a.yaml:3:9", **more)


def loaded(folder, x, wanted=None, dtype=torch.float64, record=None, source="npz"):
    wanted = wanted or field()
    if source == "npy":
        np.save(folder / "a.npy", x)
        own = replace(wanted, column="values")
        data = Data("npy", {"path": "a.npy"}, {"test": 3}, {"x": own})
    else:
        np.savez(folder / "a.npz", x=x, test=MASK)
        data = Data("npz", {"path": "a.npz"}, {"test": "test"}, {"x": wanted})
    return load(data, folder, dtype, record)


def values(found, part):
    return found.part(part).batch(slice(0, 100), Noise.at(0))["x"].double().numpy()


X = np.random.default_rng(0).normal(size=(12, 2)) * [3.0, 0.01] + [5.0, 1000.0]
X[MASK] += 7


def expected(x):
    train = x[~MASK].astype(np.float64)
    return (x - train.mean(0)) / train.std(0)


@pytest.mark.parametrize("source", ["npz", "npy"])
def test_the_training_rows_decide_for_all_parts(tmp_path, source):
    found = loaded(tmp_path, X, source=source)
    train = values(found, "train")
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(train.std(0), 1, atol=1e-9)
    np.testing.assert_allclose(values(found, "test"), expected(X)[MASK], rtol=1e-9)
    assert abs(values(found, "test").mean()) > 1


@pytest.mark.parametrize("source", ["npz", "npy"])
@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_every_type_and_a_scale(tmp_path, source, dtype):
    x = np.random.default_rng(1).integers(0, 250, (12, 2)).astype(dtype)
    found = loaded(tmp_path, x, field(scale=0.5), torch.float32, source=source)
    for part, rows in (("train", ~MASK), ("test", MASK)):
        np.testing.assert_allclose(values(found, part), expected(x * 0.5)[rows], atol=1e-5)
    raw = found.part("train").fields["x"].raw
    if source == "npz":
        assert raw.dtype == (torch.uint8 if dtype == "u1" else torch.float32)


def test_a_large_mean_takes_nothing_from_the_precision(tmp_path):
    """Seconds of a year around 1.6e9, which a float32 knows to 128."""
    x = np.linspace(1.6e9, 1.6e9 + 100, 24).reshape(12, 2)
    for source in ("npz", "npy"):
        found = loaded(tmp_path, x, dtype=torch.float32, source=source)
        np.testing.assert_allclose(values(found, "train"), expected(x)[~MASK], atol=1e-5)


def test_a_number_and_a_picture_of_bytes(tmp_path):
    found = loaded(tmp_path, X[:, 0], field(()))
    np.testing.assert_allclose(values(found, "test"), expected(X[:, 0])[MASK])
    x = np.random.default_rng(2).integers(0, 256, (12, 2, 3)).astype(np.uint8)
    found = loaded(tmp_path, x, field((6,)))
    np.testing.assert_allclose(values(found, "test"), expected(x)[MASK].reshape(3, 6))


@pytest.mark.parametrize("source", ["npz", "npy"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "?", "f2", ">i2"])
def test_one_small_number_a_row(tmp_path, source, dtype):
    """A mean of scalars is a scalar of numpy; small types stay as they are in memory."""
    x = np.random.default_rng(3).integers(0, 2, 12).astype(dtype)
    found = loaded(tmp_path, x, field(()), torch.float32, source=source)
    assert values(found, "train").shape == (9,)
    np.testing.assert_allclose(values(found, "test"), expected(x)[MASK], atol=1e-6)


def test_pieces_come_to_the_same(tmp_path, monkeypatch):
    whole = loaded(tmp_path, X).record
    monkeypatch.setattr(table, "CHUNK", 32)
    for name, numbers in loaded(tmp_path, X).record["x"].items():
        np.testing.assert_allclose(numbers, whole["x"][name], rtol=1e-12)


def test_the_record_goes_with_other_data(tmp_path):
    """Rows that come later are standardized by what the model was trained on."""
    first = loaded(tmp_path, X)
    record = json.loads(json.dumps(dict(first.record)))
    other = loaded(tmp_path, X + 1, record=record)
    assert other.record == first.record
    train = X[~MASK]
    np.testing.assert_allclose(
        values(other, "test"), (X[MASK] + 1 - train.mean(0)) / train.std(0), rtol=1e-9
    )
    np.testing.assert_array_equal(
        values(loaded(tmp_path, X, record=record), "test"), values(first, "test")
    )


def test_other_fields_have_no_record(tmp_path):
    plain = Field("x", "x", (2,), "float32", REAL)
    assert loaded(tmp_path, X, plain).record == {}


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_constant_column_is_refused(tmp_path, value):
    x = X.copy()
    x[~MASK, 1] = value
    with pytest.raises(RunFailure) as failure:
        loaded(tmp_path, x)
    assert failure.value.code == "E0515"
    assert f"`x`: column 1 is {value:g} in every training row" in failure.value.message
    assert failure.value.place == "a.yaml:3:9"
    with pytest.raises(RunFailure, match="`x`: it is 3 in every"):
        loaded(tmp_path, np.full(12, 3.0), field(()))


def test_values_are_still_finite(tmp_path):
    x = X.copy()
    x[0, 0] = np.nan
    with pytest.raises(RunFailure) as failure:
        loaded(tmp_path, x)
    assert failure.value.code == "E0512"
