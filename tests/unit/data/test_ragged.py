"""Rows of unequal length: filled up with zeros, checked where they have values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specc.data.load import load
from specc.data.sources.npz import read
from specc.data.table import ALL
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support
from specc.runtime.noise import Noise

STEPS = np.array([5, 6, 7, 8, 9, 10])
LENGTHS = np.array([3, 0, 1, 2], "i4")
FILLED = [[5, 6, 7], [0, 0, 0], [8, 0, 0], [9, 10, 0]]


def columns(folder, **arrays):
    np.savez(folder / "a.npz", **arrays)
    return read({"path": "a.npz"}, folder).parts


@pytest.mark.parametrize(
    "names",
    [("values", "lengths"), ("x", "lengths"), ("x_values", "x_lengths"), ("x", "x_lengths")],
)
def test_steps_and_lengths(tmp_path, names):
    part = columns(tmp_path, **{names[0]: STEPS, names[1]: LENGTHS})[ALL]
    name = names[0].removesuffix("_values")
    assert part[name].raw.tolist() == FILLED
    assert part[names[1]].raw.tolist() == LENGTHS.tolist()
    assert set(part) == {name, names[1]}


def test_steps_of_several_numbers(tmp_path):
    part = columns(tmp_path, values=np.stack([STEPS, -STEPS], 1), lengths=LENGTHS)[ALL]
    assert part["values"].shape == (3, 2)
    assert part["values"].raw[2].tolist() == [[8, -8], [0, 0], [0, 0]]


def test_an_array_with_a_row_each_is_left_alone(tmp_path):
    part = columns(tmp_path, x=STEPS, y=np.arange(4), lengths=LENGTHS)[ALL]
    assert part["y"].raw.tolist() == [0, 1, 2, 3]
    assert part["y"].lengths is None
    plain = columns(tmp_path, values=np.arange(4), lengths=np.array([7, 8, 9, 9]))[ALL]
    assert plain["values"].lengths is None


def test_as_many_steps_as_rows(tmp_path):
    part = columns(tmp_path, values=np.arange(3), lengths=np.array([0, 3, 0]))[ALL]
    assert part["values"].raw.tolist() == [[0, 0, 0], [0, 1, 2], [0, 0, 0]]


def test_published_parts_are_filled_to_one_length(tmp_path):
    parts = columns(
        tmp_path,
        train_notes=STEPS,
        train_lengths=LENGTHS,
        test_notes=np.arange(1, 6),
        test_lengths=np.array([5]),
    )
    assert parts["train"]["notes"].shape == parts["test"]["notes"].shape == (5,)
    assert parts["train"]["notes"].raw[0].tolist() == [5, 6, 7, 0, 0]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"values": STEPS, "lengths": LENGTHS + 1}, "add up to 10 steps, and there are 6"),
        ({"x": STEPS, "x_lengths": LENGTHS.astype(float)}, "not integers"),
        ({"x": STEPS, "x_lengths": np.array([7, -1])}, "not integers"),
        ({"x": STEPS, "x_lengths": np.array([], int)}, "not integers"),
        ({"x": STEPS, "x_lengths": np.array([[6]])}, "not integers"),
    ],
)
def test_lengths_that_do_not_fit(tmp_path, arrays, says):
    with pytest.raises(RunFailure, match=says) as failure:
        columns(tmp_path, **arrays)
    assert failure.value.code == "E0505"


def test_one_row_of_all_steps_does_not_fill_the_memory(tmp_path, monkeypatch):
    lengths = np.zeros(1000, int)
    lengths[0] = 1000
    monkeypatch.setattr("specc.data.data_folder.free_memory", lambda: 1 << 20)
    with pytest.raises(RunFailure, match="its longest row") as failure:
        columns(tmp_path, values=np.arange(1000), lengths=lengths)
    assert failure.value.code == "E0513"


def loaded(folder, field, steps=STEPS, split=None):
    np.savez(folder / "a.npz", x=steps, lengths=LENGTHS)
    fields = {"x": field, "n": Field("n", "lengths", (), "int64", Support("integers", 0))}
    return load(Data("npz", {"path": "a.npz"}, split or {}, fields), folder, torch.float32)


def field(shape=(3,), **more):
    return Field("x", "x", shape, "float32", Support("interval", 0, low_open=True), **more)


def test_what_is_filled_up_is_not_checked(tmp_path):
    """The node holds numbers above 0; the zeros behind the end of a row are none of its values."""
    batch = loaded(tmp_path, field()).part("train").batch(slice(0, 9), Noise.at(0))
    assert batch["x"].tolist() == FILLED
    assert batch["n"].tolist() == LENGTHS.tolist()
    wrong = STEPS.copy()
    wrong[3] = -1
    with pytest.raises(RunFailure, match=r"row 2, column 0 of a\.npz is -1"):
        loaded(tmp_path, field(), wrong)


def test_a_longer_model_fills_up_more_and_a_shorter_one_is_reported(tmp_path):
    batch = loaded(tmp_path, field((5,))).part("train").batch(slice(0, 1), Noise.at(0))
    assert batch["x"].tolist() == [[5, 6, 7, 0, 0]]
    with pytest.raises(RunFailure, match=r"values of shape \[3\]") as failure:
        loaded(tmp_path, field((2,)))
    assert failure.value.code == "E0511"


def test_rows_keep_their_lengths_when_they_are_split(tmp_path):
    found = loaded(tmp_path, field(), split={"test": 2})
    batch = found.part("test").batch(slice(0, 2), Noise.at(0))
    assert (batch["x"].tolist(), batch["n"].tolist()) == (FILLED[2:], [1, 2])


def test_unequal_rows_are_not_standardized(tmp_path):
    with pytest.raises(RunFailure, match="unequal length") as failure:
        loaded(tmp_path, field(standardize=True))
    assert failure.value.code == "E0511"
