"""Records as a list, or one a line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from specc.data.sources.json import read
from specc.data.table import ALL
from specc.runtime.failure import RunFailure


def written(folder, value):
    text = value if isinstance(value, str) else json.dumps(value)
    (folder / "a.json").write_text(text, encoding="utf-8")
    return read({"path": "a.json"}, folder)


def fails(folder, value, code="E0505"):
    with pytest.raises(RunFailure) as failure:
        written(folder, value)
    assert failure.value.code == code
    return str(failure.value)


RECORDS = [
    {"age": 3, "height": 1.5, "old": False, "scores": [1, 2], "name": "a"},
    {"age": 4, "height": None, "old": True, "scores": [3, 4], "name": None},
]


@pytest.mark.parametrize("lines", [True, False])
def test_columns_of_records(tmp_path, lines):
    text = "\n\n".join(map(json.dumps, RECORDS)) if lines else RECORDS
    table = written(tmp_path, text)
    part = table.parts[ALL]
    assert part["age"].raw.tolist() == [3, 4]
    assert part["age"].raw.dtype == np.int64
    np.testing.assert_array_equal(part["height"].raw, [1.5, np.nan])
    assert part["scores"].raw.tolist() == [[1, 2], [3, 4]]
    assert table.masks["old"].tolist() == [False, True]
    assert part["name"].raw.dtype.kind == "U"
    assert [table.row(i) for i in range(2)] == ([1, 3] if lines else [0, 1])


def test_a_key_that_some_records_lack_is_a_value_that_is_missing(tmp_path):
    part = written(tmp_path, [{"a": 1}, {"b": 2}]).parts[ALL]
    np.testing.assert_array_equal(part["a"].raw, [1, np.nan])


def test_lists_of_lists(tmp_path):
    part = written(tmp_path, [{"x": [[1, 2], [3, 4]]}, {"x": [[5, 6], [7, 8.5]]}]).parts[ALL]
    assert part["x"].raw.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8.5]]]


def test_lists_of_unequal_length(tmp_path):
    part = written(tmp_path, [{"x": [1, 2, 3]}, {"x": []}, {"x": [4]}]).parts[ALL]
    assert part["x"].raw.tolist() == [[1, 2, 3], [0, 0, 0], [4, 0, 0]]
    assert part["x_lengths"].raw.tolist() == [3, 0, 1]
    part = written(tmp_path, [{"x": [[1, 2]]}, {"x": [[3, 4], [5, 6]]}]).parts[ALL]
    assert part["x"].raw.tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]
    assert part["x_lengths"].raw.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "no records"),
        ("[]", "no records"),
        ("3", "line 1 is no record"),
        ('{"a": 1}\n[2]', "line 2 is no record"),
        ("[3]", "item 0 of its list is no record"),
        ("[{}]", "no keys"),
        ('{"a": 1}\n{"a": \n', "line 2: Expecting value"),
        ('[{"a": 1}', "Expecting ',' delimiter"),
        ("[" * 100_000, "cannot be read"),
        ('[{"a": ' + "[" * 100_000, "cannot be read"),
        ('[{"a": ' + "9" * 5000 + "}]", "cannot be read"),
        ('[{"a": ' + "9" * 400 + "}]", "too large"),
        ([{"a": 1}, {"a": "x"}], 'record 1: `a` is "x", not a number'),
        ([{"a": 1}, {"a": [1]}], "record 0: `a` is 1, not a list"),
        ([{"a": [1]}, {}], "record 1: `a` is missing"),
        ([{"a": [1]}, {"a": ["x"]}], 'record 1: `a` is ["x"], not a list of numbers'),
        ([{"a": [[1, 2], [3]]}], "record 0: `a` is [[1, 2], [3]]"),
        ([{"a": [[1, 2]]}, {"a": [[1, 2, 3]]}], "unequal shapes, [2] and [3]"),
        ([{"a": {"b": 1}}], 'record 0: `a` is {"b": 1}'),
    ],
)
def test_damaged_files(tmp_path, value, says):
    assert says in fails(tmp_path, value)


def test_other_encodings_and_too_much(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes("[{'größe': 1}]".encode("latin-1"))
    with pytest.raises(RunFailure, match="cannot be read"):
        read({"path": "a.json"}, tmp_path)
    monkeypatch.setattr("specc.data.data_folder.free_memory", lambda: 100)
    assert "numpy.save" in fails(tmp_path, RECORDS, "E0513")
