"""Bags of words: sparse rows become plain ones, and a damaged file is refused."""

import numpy as np
import pytest

from specc.data.sources.counts import read
from specc.runtime.failure import RunFailure

SOUND = {
    "indptr": np.array([0, 2, 2, 3]),
    "indices": np.array([1, 3, 0]),
    "counts": np.array([2, 1, 5]),
    "shape": np.array([3, 4]),
    "is_test": np.array([False, True, False]),
}


def written(folder, **changes):
    np.savez(folder / "bag.npz", **{**SOUND, **changes})
    return read({"path": "bag.npz"}, folder)


def test_rows_and_lengths(tmp_path):
    table = written(tmp_path)
    columns = table.parts["all"]
    assert columns["counts"].raw.tolist() == [[0, 2, 0, 1], [0, 0, 0, 0], [5, 0, 0, 0]]
    assert columns["length"].raw.tolist() == [3, 0, 5]
    assert table.masks["is_test"].tolist() == [False, True, False]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"indptr": np.array([0, 2, 1, 3])}, "does not go up"),
        ({"indptr": np.array([0, 2, 2, 9])}, "have not the length"),
        ({"indices": np.array([1, 4, 0])}, "outside 0 to 3"),
        ({"counts": np.array([2, -1, 5])}, "negative"),
        ({"shape": np.array([3])}, "number of documents"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, changes, words):
    with pytest.raises(RunFailure, match=words):
        written(tmp_path, **changes)


def test_counts_of_a_word_that_is_listed_twice_are_added(tmp_path):
    """Their sum is larger than the type of the single counts."""
    table = written(tmp_path, indices=np.array([1, 1, 0]), counts=np.array([200, 100, 5]))
    columns = table.parts["all"]
    assert columns["counts"].raw.tolist() == [[0, 300, 0, 0], [0, 0, 0, 0], [5, 0, 0, 0]]
    assert columns["length"].raw.tolist() == [300, 0, 5]


def test_large_counts_are_kept(tmp_path):
    table = written(tmp_path, counts=np.array([70_000, 1, 5]))
    assert table.parts["all"]["counts"].raw[0, 1] == 70_000
