from __future__ import annotations

import numpy as np
import pytest

from specc.data.split import split
from specc.data.table import ALL, Column, Table
from specc.runtime.failure import RunFailure


def table(rows=100, **masks):
    return Table({ALL: {"x": Column(np.arange(rows))}}, masks, place="a.npz")


def values(parts):
    return {name: part["x"].raw.tolist() for name, part in parts.items()}


def test_everything_trains_without_a_split():
    assert values(split(table(4), {})) == {"train": [0, 1, 2, 3]}


def test_shares_are_disjoint_whole_and_fixed():
    found = values(split(table(), {"valid": 0.1, "test": 0.2}))
    assert {name: len(rows) for name, rows in found.items()} == {
        "train": 70,
        "valid": 10,
        "test": 20,
    }
    assert sorted(row for rows in found.values() for row in rows) == list(range(100))
    assert found == values(split(table(), {"valid": 0.1, "test": 0.2}))
    assert found["test"] != list(range(80, 100))


def test_a_number_takes_the_last_rows():
    assert values(split(table(10), {"valid": 3}))["valid"] == [7, 8, 9]


def test_validation_comes_from_the_published_training_rows():
    published = Table({"train": {"x": Column(np.arange(10))}, "test": {"x": Column(np.arange(5))}})
    assert values(split(published, {"valid": 2})) == {
        "train": list(range(8)),
        "valid": [8, 9],
        "test": list(range(5)),
    }


def test_masks():
    mask = np.zeros((2, 6), bool)
    mask[1, [0, 3]] = True
    found = values(split(table(6, is_test=mask, last=mask[1]), {"test": "is_test[1]"}))
    assert found == {"train": [1, 2, 4, 5], "test": [0, 3]}
    assert found == values(split(table(6, last=mask[1]), {"test": "last"}))


def test_a_mask_comes_before_a_share():
    mask = np.arange(10) < 2
    found = values(split(table(10, m=mask), {"valid": 0.3, "test": "m"}))
    assert found["test"] == [0, 1]
    assert not set(found["valid"]) & {0, 1}


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"test": "no"}, "has no boolean array `no`"),
        ({"test": "m[0"}, "not the name of a mask"),
        ({"test": "__import__('os')"}, "not the name of a mask"),
        ({"test": "m[2]"}, "no row 2"),
        ({"test": "m"}, "choose one, as `m[0]`"),
        ({"test": "one[0]"}, "no row 0"),
        ({"test": 100}, "it needs 100 rows, and 100 are left"),
        ({"test": 0}, "0 rows"),
        ({"test": 1.5}, "leaves none"),
        ({"test": 0.001}, "leaves none"),
        ({"test": True}, "not a fraction"),
        ({"test": "every"}, "no rows are left to train on"),
    ],
)
def test_splits_that_cannot_be(wanted, says):
    masks = {
        "m": np.zeros((2, 100), bool),
        "one": np.zeros(100, bool),
        "every": np.ones(100, bool),
    }
    with pytest.raises(RunFailure) as failure:
        split(table(100, **masks), wanted)
    assert failure.value.code == "E0509"
    assert says in str(failure.value)
