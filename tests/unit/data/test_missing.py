"""Which values are missing, what is shown in their place, what is hidden, and what is refused."""

import math

import numpy as np
import pytest
import torch

from specc.data.describe import described
from specc.data.load import load
from specc.data.missing import with_masks
from specc.data.read import parted, tables_of
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Missing, Support
from specc.runtime.noise import Noise

NAN = math.nan


def label(**options):
    missing = Missing("y_known", (), True, **options)
    return Field("y", "y", (), "int64", Support("integers", 0, 9), missing=missing)


def entries(rank=1, **options):
    missing = Missing("x_known", (3,) if rank else (), False, **options)
    return Field("x", "x", (3,), "float32", Support("interval"), missing=missing)


def loaded(folder, *fields, split=None, **arrays):
    np.savez(folder / "d.npz", **{name: np.asarray(value) for name, value in arrays.items()})
    data = Data("npz", {"path": "d.npz"}, split or {}, {field.name: field for field in fields})
    return load(data, folder)


def batch(found, part="train"):
    rows = found.part(part)
    return rows.batch(slice(0, len(rows)), Noise.at(0))


def failure(folder, *fields, **arrays):
    with pytest.raises(RunFailure) as raised:
        loaded(folder, *fields, **arrays)
    return raised.value


def test_what_is_no_number_is_missing(tmp_path):
    found = batch(loaded(tmp_path, label(), y=[3.0, NAN, 7.0]))
    assert found["y"].tolist() == [3, 0, 7]
    assert found["y"].dtype == torch.int64
    assert found["y_known"].tolist() == [True, False, True]


def test_a_number_may_stand_for_a_missing_value(tmp_path):
    found = batch(loaded(tmp_path, label(marker=-1.0), y=[3, -1, 7]))
    assert found["y"].tolist() == [3, 0, 7]
    assert found["y_known"].tolist() == [True, False, True]


def test_a_number_that_stands_for_nothing_is_refused(tmp_path):
    assert failure(tmp_path, label(), y=[3, -1, 7]).code == "E0508"


def test_infinite_values_are_never_missing(tmp_path):
    assert failure(tmp_path, entries(), x=[[1.0, NAN, math.inf]]).code == "E0512"


X = [[1.0, NAN, 3.0], [5.0, 2.0, NAN]]


@pytest.mark.parametrize("fill, shown", [("zero", [0.0, 0.0]), ("mean", [2.0, 3.0])])
def test_entries_are_filled(tmp_path, fill, shown):
    found = batch(loaded(tmp_path, entries(fill=fill), x=X))
    assert found["x"].tolist() == [[1.0, shown[0], 3.0], [5.0, 2.0, shown[1]]]
    assert found["x_known"].tolist() == [[True, False, True], [True, True, False]]


def test_statistics_are_those_of_the_known_values(tmp_path):
    from dataclasses import replace

    x = [[0.0, 1.0, 1.0], [2.0, 3.0, NAN], [NAN, 5.0, 3.0]]
    field = replace(entries(), standardize=True)
    found = batch(loaded(tmp_path, field, x=x))["x"]
    known = ~torch.tensor(x).isnan()
    for column in range(3):
        own = found[known[:, column], column]
        assert own.mean().item() == pytest.approx(0.0, abs=1e-6)
        assert own.std(unbiased=False).item() == pytest.approx(1.0, abs=1e-5)
    assert found[~known].tolist() == [0.0, 0.0]


def test_a_row_that_is_drawn_jointly_is_not_partly_missing(tmp_path):
    found = failure(tmp_path, entries(rank=0), x=X)
    assert found.code == "E0516"
    assert "row 0, column 1" in found.message
    whole = loaded(tmp_path, entries(rank=0), x=[[1.0, 2.0, 3.0], [NAN, NAN, NAN]])
    assert batch(whole)["x_known"].tolist() == [True, False]


def test_some_row_has_a_value(tmp_path):
    assert failure(tmp_path, label(), y=[NAN, NAN]).code == "E0517"


# hidden for an experiment


Y = np.arange(300) % 10


def test_as_many_of_each_class_keep_their_label(tmp_path):
    hide = {"keep": 50, "per_class": True, "seed": 1}
    found = loaded(tmp_path, label(hide=hide), split={"test": 0.2}, y=Y)
    train, test = batch(found), batch(found, "test")
    assert train["y"][train["y_known"]].bincount().tolist() == [5] * 10
    assert bool(test["y_known"].all())
    assert found.part("train").observed_fractions()["y"] == pytest.approx(50 / 240)
    again = batch(loaded(tmp_path, label(hide=hide), split={"test": 0.2}, y=Y))
    assert torch.equal(again["y_known"], train["y_known"])
    other = batch(loaded(tmp_path, label(hide={**hide, "seed": 2}), split={"test": 0.2}, y=Y))
    assert not torch.equal(other["y_known"], train["y_known"])


def test_what_is_hidden_can_be_revealed_but_not_what_is_missing(tmp_path):
    rows = loaded(tmp_path, label(hide={"keep": 50}), y=Y).part("train")
    shown = rows.revealed().batch(slice(0, 300), Noise.at(0))
    assert shown["y"].tolist() == Y.tolist()
    assert "y_known" not in shown
    gone = loaded(tmp_path, label(), y=[1.0, NAN]).part("train")
    assert not gone.revealed().batch(slice(0, 2), Noise.at(0))["y_known"].all()


def test_entries_are_hidden_one_by_one(tmp_path):
    x = np.random.default_rng(0).normal(size=(500, 3))
    found = loaded(tmp_path, entries(hide={"share": 0.3}), split={"test": 0.5}, x=x)
    train = batch(found)["x_known"]
    assert train.double().mean().item() == pytest.approx(0.7, abs=0.05)
    assert (train.double().mean(0) - 0.7).abs().max() < 0.1
    assert bool(batch(found, "test")["x_known"].all())
    every = loaded(tmp_path, entries(hide={"share": 0.3, "part": "all"}), split={"test": 0.5}, x=x)
    assert not batch(every, "test")["x_known"].all()


@pytest.mark.parametrize(
    "hide, words",
    [
        ({"keep": 301}, "`keep` is 301 rows, and 300 rows have a value"),
        ({"keep": 55, "per_class": True}, "divided evenly among 10 classes"),
        ({"keep": 300, "per_class": True}, "a class has fewer than 30 rows"),
    ],
)
def test_what_cannot_be_hidden(tmp_path, hide, words):
    y = np.where(np.arange(300) == 0, 1, Y)
    found = failure(tmp_path, label(hide=hide), y=y)
    assert found.code == "E0518"
    assert words in found.message


def test_the_digest_depends_on_what_is_hidden(tmp_path):
    plain = loaded(tmp_path, label(), y=Y).digest
    hidden = loaded(tmp_path, label(hide={"keep": 50}), y=Y).digest
    assert plain != hidden


def steps(**options):
    missing = Missing("x_known", (3, 2), False, **options)
    return Field("x", "x", (3, 2), "float32", Support("interval"), missing=missing)


STEPS = np.array([[1.0, NAN], [2.0, 3.0], [NAN, NAN], [4.0, 5.0]])
LENGTHS = np.array([3, 1])


def test_steps_of_rows_of_unequal_length_may_be_missing(tmp_path):
    """What a row is filled up with is there, and counts for nothing."""
    found = batch(loaded(tmp_path, steps(), x=STEPS, x_lengths=LENGTHS))
    assert found["x"].tolist() == [[[1, 0], [2, 3], [0, 0]], [[4, 5], [0, 0], [0, 0]]]
    known = [[[True, False], [True, True], [False, False]], [[True, True]] * 3]
    assert found["x_known"].tolist() == known


def test_what_a_row_is_filled_up_with_is_not_hidden(tmp_path):
    hide = {"share": 1.0, "seed": 0}
    x = np.arange(8.0).reshape(4, 2)
    data = loaded(tmp_path, steps(hide=hide), x=x, x_lengths=LENGTHS)
    known = batch(data)["x_known"]
    assert known.tolist() == [[[False, False]] * 3, [[False, False], [True, True], [True, True]]]


def test_the_share_of_missing_steps_is_reported(tmp_path):
    np.savez(tmp_path / "d.npz", x=STEPS, x_lengths=LENGTHS)
    data = Data("npz", {"path": "d.npz"}, {}, {"x": steps()})
    parts = with_masks(parted(tables_of(data, tmp_path), data), data)
    assert described(parts, data)["train"]["x"].missing == 3 / 8


NOTES = np.array([[[21, 23], [NAN, NAN]], [[22, NAN], [-1, -1]]])


def test_a_list_of_numbers_is_missing_as_a_whole(tmp_path):
    """A step without numbers is a chord of none; one with a number that is none is refused."""
    missing = Missing("x_known", (2,), False)
    notes = Field(
        "x", "x", (2, 3), "float32", Support("integers", 0, 1), many_hot=(21, 3), missing=missing
    )
    x = NOTES.copy()
    x[1, 0, 1] = -1
    found = batch(loaded(tmp_path, notes, x=x))
    assert found["x"].tolist() == [[[1, 0, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 0]]]
    assert found["x_known"].tolist() == [[True, False], [True, True]]
    assert failure(tmp_path, notes, x=NOTES).code == "E0516"
