"""Arrays that stay in their file: read as they are, batch by batch, and refused by their header."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
import torch

from specc.data.load import load
from specc.data.sources import npy
from specc.data.table import ALL
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support
from specc.runtime.noise import Noise
from tests.unit.data.test_sources import Bomb

FIELD = Field("x", "values", (3,), "float32", Support("any"))


def read(folder, **options):
    return npy.read({"path": "a.npy", **options}, folder)


def loaded(folder, *fields, split=None):
    data = Data("npy", {"path": "a.npy"}, split or {}, {f.name: f for f in fields or (FIELD,)})
    return load(data, folder, torch.float32)


def fails(folder, code="E0505", **options):
    with pytest.raises(RunFailure) as failure:
        read(folder, **options)
    assert failure.value.code == code
    return str(failure.value)


def test_the_values_stay_in_the_file(tmp_path):
    values = np.arange(30.0).reshape(10, 3)
    np.save(tmp_path / "a.npy", values)
    column = read(tmp_path).parts[ALL]["values"]
    assert isinstance(column.raw, np.memmap)
    assert column.raw.mode == "r"
    np.testing.assert_array_equal(column.rows(2, 4), values[2:4])


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "f2", "f4", "f8", "i8", "?"])
def test_batches_of_every_type_and_split(tmp_path, dtype):
    values = (np.arange(300).reshape(100, 3) % 200).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    found = loaded(tmp_path, split={"test": 0.2})
    assert {name: len(rows) for name, rows in found.parts.items()} == {"train": 80, "test": 20}
    whole = np.concatenate(
        [rows.batch(slice(0, 1000), Noise.at(0))["x"].numpy() for rows in found.parts.values()]
    )
    np.testing.assert_array_equal(np.sort(whole, axis=0), np.sort(values.astype("f4"), axis=0))
    rows = found.part("train")
    assert rows.batch(slice(0, 2), Noise.at(0))["x"].dtype == torch.float32
    chosen = rows.batch(torch.tensor([7, 3]), Noise.at(0))["x"]
    assert torch.equal(chosen, rows.batch(slice(0, 80), Noise.at(0))["x"][[7, 3]])


def test_the_digest_and_the_split_are_those_of_the_same_values_in_memory(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 3)).astype("f4")
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", values=values)
    mapped = loaded(tmp_path, split={"test": 0.2})
    data = Data("npz", {"path": "a.npz"}, {"test": 0.2}, {"x": FIELD})
    held = load(data, tmp_path, torch.float32)
    assert mapped.digest == held.digest
    for part in ("train", "test"):
        first, second = (d.part(part).batch(slice(0, 50), Noise.at(0))["x"] for d in (mapped, held))
        assert torch.equal(first, second)


def test_a_file_larger_than_the_memory(tmp_path, monkeypatch):
    """128 MB, of which no more than a piece is ever held, and a memory that seems full."""
    monkeypatch.setattr("specc.data.data_folder.free_memory", lambda: 1000)
    rows = 1 << 20
    made = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", "u1", (rows, 128))
    made[-1] = 7
    del made
    field = Field("x", "values", (128,), "float32", Support("interval", 0, 255))
    tracemalloc.start()
    found = loaded(tmp_path, field, split={"test": 0.1})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A piece is 16 MB, its checks as many again a few times, and a row number is 8 bytes.
    assert peak < 96 << 20
    last = found.part("train").batch(slice(0, 3), Noise.at(0))["x"]
    assert last.shape == (3, 128)


@pytest.mark.parametrize("values", [np.asfortranarray(np.ones((4, 3))), np.ones((4, 3), ">f8")])
def test_other_orders_are_read_whole(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    raw = read(tmp_path).parts[ALL]["values"].raw
    assert not isinstance(raw, np.memmap)
    assert raw.flags.c_contiguous
    assert raw.dtype == np.dtype("f8")
    np.testing.assert_array_equal(raw, values)


def test_labels_come_from_a_second_file(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((4, 3)))
    np.save(tmp_path / "b.npy", np.array([0, 1, 1, 0]))
    part = read(tmp_path, labels="b.npy").parts[ALL]
    assert part["label"].raw.tolist() == [0, 1, 1, 0]


def head(text, version=(1, 0)):
    data = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(data)) + data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no array of numpy"),
        (b"junk" * 20, "no array of numpy"),
        (
            head("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}", (3, 0)),
            "unknown version",
        ),
        (head("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}"), "which is 72 bytes"),
        (head("{'descr': '<f8', 'fortran_order': False, 'shape': (10**9,)}"), "no array of numpy"),
        (head("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "shape (-1,)"),
        (head("{'descr': '<f8', 'fortran_order': False, 'shape': ()}") + bytes(8), "no rows"),
        (head("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4)}"), "no rows"),
        (head("{'descr': '<U0', 'fortran_order': False, 'shape': (4,)}"), "the type <U0"),
        (head("{'descr': 'no', 'fortran_order': False, 'shape': (4,)}"), "no array of numpy"),
        (head("{'descr': '|O', 'fortran_order': False, 'shape': (4,)}"), "Python objects"),
        (head("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (4,)}"), "Python objects"),
        (head("__import__('os').mkdir('executed')"), "no array of numpy"),
        (head("(" * 100), "no array of numpy"),
    ],
)
def test_damaged_files(tmp_path, data, says, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npy").write_bytes(data)
    assert says in fails(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_a_file_that_is_cut_off_or_has_more(tmp_path):
    np.save(tmp_path / "b.npy", np.ones((4, 3)))
    data = (tmp_path / "b.npy").read_bytes()
    for wrong in (data[:-1], data + b"x"):
        (tmp_path / "a.npy").write_bytes(wrong)
        assert "states 4x3 of type float64, which is 96 bytes; there are" in fails(tmp_path)


def test_a_pickle_is_refused_and_nothing_runs(tmp_path):
    mark = tmp_path / "executed"
    np.save(tmp_path / "a.npy", np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    assert "holds Python objects, whose loading can run code" in fails(tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize("values", [np.array(["a", "b"]), np.array([1j]), np.zeros(2, "M8[s]")])
def test_what_is_no_number(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(RunFailure, match="not numbers") as failure:
        loaded(tmp_path)
    assert failure.value.code == "E0508"


def test_a_file_that_cannot_be_mapped_is_refused(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.ones((3, 2)))

    def refuse(*arguments):
        raise OSError(19, "No such device")

    monkeypatch.setattr(np, "memmap", refuse)
    assert "No such device" in fails(tmp_path)
