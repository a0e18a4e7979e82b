"""Parquet files, where pyarrow is installed; and what is said where it is not."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from specc.data.sources.parquet import read
from specc.data.table import ALL
from specc.runtime.failure import RunFailure
from tests.house.files import run

needs_arrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")


def written(folder, values, **options):
    from pyarrow import parquet, table

    parquet.write_table(table(values), folder / "a.parquet", row_group_size=2)
    return read({"path": "a.parquet", **options}, folder)


def fails(folder, code="E0505"):
    with pytest.raises(RunFailure) as failure:
        read({"path": "a.parquet"}, folder)
    assert failure.value.code == code
    return str(failure.value)


def test_without_pyarrow_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    message = fails(tmp_path, "E0514")
    assert "needs pyarrow, which is not installed" in message
    assert "pip install 'specc[parquet]'" in message


def test_other_sources_do_not_import_it():
    code = (
        "import sys\nfrom specc.data.sources import NAMES, reader\n"
        "[reader(name) for name in NAMES]\nassert 'pyarrow' not in sys.modules"
    )
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr


@needs_arrow
def test_columns(tmp_path):
    table = written(
        tmp_path,
        {
            "age": [3, 4, 5],
            "height": [1.5, None, 2.5],
            "count": [1, None, 2],
            "old": [True, False, True],
            "name": ["a", "b", "c"],
            "pair": [[1, 2], [3, 4], [5, 6]],
            "steps": [[1.0], [2.0, 3.0], []],
        },
        columns={"both": ["age", "height"]},
    )
    part = table.parts[ALL]
    assert part["age"].raw.tolist() == [3, 4, 5]
    assert part["age"].raw.dtype == np.int64
    np.testing.assert_array_equal(part["height"].raw, [1.5, np.nan, 2.5])
    np.testing.assert_array_equal(part["count"].raw, [1, np.nan, 2])
    np.testing.assert_array_equal(part["both"].raw, [[3, 1.5], [4, np.nan], [5, 2.5]])
    assert part["both"].names == ("age", "height")
    assert table.masks["old"].tolist() == [True, False, True]
    assert part["pair"].raw.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert part["steps"].raw.tolist() == [[1, 0], [2, 3], [0, 0]]
    assert part["steps_lengths"].raw.tolist() == [1, 2, 0]
    assert "name" not in part


@needs_arrow
def test_lists_that_are_missing(tmp_path):
    import pyarrow

    with pytest.raises(RunFailure, match="`x` is missing in 1 rows"):
        written(tmp_path, {"x": [[1], None]})
    pairs = pyarrow.list_(pyarrow.int64(), 2)
    found = written(tmp_path, {"x": pyarrow.array([[1, 2], [3, 4]], pairs)})
    assert found.parts[ALL]["x"].raw.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(RunFailure, match="`x` is missing in 1 rows"):
        written(tmp_path, {"x": pyarrow.array([[1, 2], None], pairs)})


@needs_arrow
@pytest.mark.parametrize("data", [b"", b"PAR1", b"junk" * 30, b"PAR1" + bytes(40) + b"PAR1"])
def test_damaged_files(tmp_path, data):
    (tmp_path / "a.parquet").write_bytes(data)
    assert "cannot be read" in fails(tmp_path)


@needs_arrow
def test_a_file_that_is_cut_off_or_too_large(tmp_path, monkeypatch):
    written(tmp_path, {"x": list(range(1000))})
    data = (tmp_path / "a.parquet").read_bytes()
    monkeypatch.setattr("specc.data.data_folder.free_memory", lambda: 1000)
    assert "of memory" in fails(tmp_path, "E0513")
    monkeypatch.undo()
    (tmp_path / "a.parquet").write_bytes(data[: len(data) // 2])
    assert "cannot be read" in fails(tmp_path)


@needs_arrow
def test_a_file_of_texts_alone(tmp_path):
    with pytest.raises(RunFailure, match="no column of numbers"):
        written(tmp_path, {"x": ["a"]})
