"""Damage of every kind: a file is read, or it is refused in words; nothing else happens."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from specc.data.sources import NAMES, reader
from specc.runtime.failure import RunFailure
from tests.unit.data.files import idx_bytes

CODES = {"E0504", "E0505", "E0513"}


def csv_file(path):
    path.write_text("a,b\n1,2.5\n3,\n")


def idx_file(path):
    path.write_bytes(gzip.compress(idx_bytes(np.arange(60, dtype=np.uint8).reshape(5, 4, 3))))


def json_file(path):
    path.write_text(json.dumps([{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3]}]))


def npz_file(path):
    with path.open("wb") as file:
        np.savez_compressed(file, x=np.arange(40.0).reshape(10, 4), m=np.arange(10) > 5)


def npy_file(path):
    with path.open("wb") as file:
        np.save(file, np.arange(40.0).reshape(10, 4))


def counts_file(path):
    arrays = {"indptr": [0, 2, 3], "indices": [0, 3, 1], "counts": [1, 2, 3], "shape": [2, 4]}
    with path.open("wb") as file:
        np.savez(file, **{name: np.array(values) for name, values in arrays.items()})


def picture_file(path):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(path)


def parquet_file(path):
    from pyarrow import parquet, table

    parquet.write_table(table({"a": [1, 2, 3], "b": [[1.0], [2.0, 3.0], None]}), path)


def text_file(path):
    path.write_text("In the beginning was the word, and nothing was written.\n" * 2)


SOURCES = {
    "csv": (csv_file, {"path": "f/a.csv"}),
    "counts": (counts_file, {"path": "f/a.csv"}),
    "idx": (idx_file, {"images": "f/a.csv"}),
    "images": (picture_file, {"path": "f"}),
    "json": (json_file, {"path": "f/a.csv"}),
    "npz": (npz_file, {"path": "f/a.csv"}),
    "npy": (npy_file, {"path": "f/a.csv"}),
    "parquet": (parquet_file, {"path": "f/a.csv"}),
    "text_file": (text_file, {"path": "f/a.csv", "length": 40}),
}


def attempt(name, folder, options):
    """Whether the file is read; that it is refused in words is the only other way."""
    try:
        reader(name)(options, folder)
    except RunFailure as failure:
        assert failure.code in CODES
        assert failure.exit_code == 2
        return False
    return True


@pytest.mark.parametrize("name", sorted(SOURCES))
@pytest.mark.filterwarnings("default::UserWarning")
def test_damage_at_random(tmp_path, name):
    """Bytes changed, cut off and doubled: 300 files of each kind."""
    if name == "parquet" and find_spec("pyarrow") is None:
        pytest.skip("needs pyarrow")
    make, options = SOURCES[name]
    folder = tmp_path / "f"
    folder.mkdir()
    path = folder / ("a.png" if name == "images" else "a.csv")
    make(path)
    whole = path.read_bytes()
    assert attempt(name, tmp_path, options) == (name != "parquet")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(len(data))] = rng.integers(256)
        start, stop = sorted(rng.integers(0, len(data) + 1, 2))
        if rng.random() < 0.3:
            data = data[:stop]
        elif rng.random() < 0.3:
            data[start:start] = data[start:stop]
        path.write_bytes(data)
        refused += not attempt(name, tmp_path, options)
    assert refused > 50


def test_an_archive_that_says_more_than_there_is(tmp_path):
    """A megabyte of packed zeros is 256 of them; the memory is asked first."""
    head = {"descr": "|u1", "fortran_order": False, "shape": (1 << 28,)}
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, head)
        for _ in range(1 << 6):
            file.write(bytes(1 << 22))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specc.data.data_folder.free_memory", lambda: 1 << 20)
        tracemalloc.start()
        with pytest.raises(RunFailure, match=r"needs 256\.0 MiB of memory") as failure:
            reader("npz")({"path": "a.npz"}, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert failure.value.code == "E0513"
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "name", ["csv", "counts", "idx", "json", "npz", "npy", "parquet", "text_file"]
)
@pytest.mark.parametrize("path", ["../a", "/etc/hostname", "link", "folder/../../a", "a\0b"])
def test_every_path_stays_in_the_folder(tmp_path, name, path):
    inside = tmp_path / "data"
    (inside / "folder").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"secret")
    (inside / "link").symlink_to(tmp_path / "a")
    key = "images" if name == "idx" else "path"
    with pytest.raises(RunFailure) as failure:
        reader(name)({key: path}, inside)
    assert failure.value.code == ("E0505" if "\0" in path else "E0506")
    assert "secret" not in str(failure.value)


def test_the_control_group_counts(tmp_path, monkeypatch):
    from specc.data import data_folder

    texts = {"meminfo": "MemTotal: 9 kB\nMemAvailable:  4096 kB\n", "memory.max": "3000000\n"}
    texts["memory.current"] = "1000000\n"
    monkeypatch.setattr(data_folder, "_text", lambda path: texts.get(path.name, ""))
    assert data_folder.free_memory() == 2_000_000
    texts["memory.max"] = "max\n"
    assert data_folder.free_memory() == 4096 << 10
    texts.clear()
    assert data_folder.free_memory() == data_folder.UNKNOWN


def test_no_source_is_forgotten():
    """Four need no file, and another has the files of `idx`."""
    assert set(SOURCES) == set(NAMES) - {"curves", "digits", "mnist", "point_clouds", "toy"}
