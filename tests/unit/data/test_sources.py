from __future__ import annotations

import gzip
import os
import struct
import zipfile

import numpy as np
import pytest

from specc.catalog.registry import SOURCES
from specc.data import sources
from specc.data.table import ALL
from specc.runtime.failure import RunFailure
from tests.unit.data.files import idx_bytes, write_mnist


def read(name, folder=None, **options):
    return sources.reader(name)(options, folder)


def fails(code, name, folder=None, **options):
    with pytest.raises(RunFailure) as failure:
        read(name, folder, **options)
    assert failure.value.code == code
    assert failure.value.exit_code == 2
    return str(failure.value)


def test_every_source_is_declared_and_read():
    assert tuple(SOURCES) == sources.NAMES
    for name in sources.NAMES:
        assert callable(sources.reader(name))
        assert SOURCES[name].name == name


def test_unknown_source():
    assert "csv, curves, digits" in fails("E0501", "digit")


def agrees(table, entry):
    """What was read is what the compiler was told."""
    assert set(table.parts) == set(entry.rows)
    for part in table.parts.values():
        assert set(part) == set(entry.fields)
        for name, column in entry.fields.items():
            values = part[name].raw * part[name].factor
            assert int(np.prod(values.shape[1:])) == int(np.prod(column.shape))
            assert values.min() >= column.support.low
            assert values.max() <= column.support.high
            if column.picture:
                assert int(np.prod(column.picture)) == int(np.prod(column.shape))
    assert dict(table.default_split) == dict(entry.split)


def test_digits():
    table = read("digits")
    agrees(table, SOURCES["digits"])
    image = table.parts[ALL]["image"]
    assert len(image.raw) == SOURCES["digits"].rows[ALL]
    assert image.raw.dtype == np.uint8
    assert (image.raw * image.factor).max() == 1.0
    assert np.bincount(table.parts[ALL]["label"].raw).tolist()[0] == 178


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("sub", ["", "mnist"])
def test_mnist(tmp_path, packed, sub):
    arrays = write_mnist(tmp_path / sub, packed)
    table = read("mnist", tmp_path)
    agrees(table, SOURCES["mnist"])
    assert set(table.parts) == {"train", "test"}
    images = table.parts["test"]["image"]
    assert images.factor == 1 / 255
    np.testing.assert_array_equal(images.raw, arrays["t10k-images-idx3"].reshape(10, 784))
    np.testing.assert_array_equal(table.parts["train"]["label"].raw, arrays["train-labels-idx1"])


def test_mnist_where_it_is_not(tmp_path):
    message = fails("E0504", "mnist", tmp_path)
    assert "train-images-idx3-ubyte(.gz)" in message
    assert "--data-dir" in message


def test_no_data_folder(tmp_path):
    assert "add `--data-dir FOLDER`" in fails("E0504", "mnist")
    assert "does not exist" in fails("E0504", "mnist", tmp_path / "no")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
def test_idx_types(tmp_path, dtype):
    values = np.arange(24).reshape(4, 2, 3).astype(dtype)
    (tmp_path / "a").write_bytes(idx_bytes(values))
    column = read("idx", tmp_path, images="a").parts[ALL]["image"]
    np.testing.assert_array_equal(column.raw, values.reshape(4, 6))
    assert column.factor == (1 / 255 if dtype == "uint8" else 1.0)


def test_idx_with_labels_and_a_test_part(tmp_path):
    for name, rows in (("a", 4), ("c", 2)):
        (tmp_path / name).write_bytes(idx_bytes(np.zeros((rows, 3), np.uint8)))
    for name, rows in (("b", 4), ("d", 2)):
        (tmp_path / name).write_bytes(idx_bytes(np.ones(rows, np.uint8)))
    table = read("idx", tmp_path, images="a", labels="b", test_images="c", test_labels="d")
    assert {n: len(p["label"].raw) for n, p in table.parts.items()} == {"train": 4, "test": 2}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not start as an idx file"),
        (b"\x01\x02\x08\x01abcd", "does not start as an idx file"),
        (b"\0\0\x07\x01abcd", "does not start as an idx file"),
        (b"\0\0\x08\x00", "header is cut off"),
        (b"\0\0\x08\x03\0\0\0\1", "header is cut off"),
        (idx_bytes(np.zeros((5, 4), np.uint8))[:-1], "states 5x4, which is 20 bytes; it has 19"),
        (idx_bytes(np.zeros((5, 4), np.uint8)) + b"x", "it has more"),
        (gzip.compress(idx_bytes(np.zeros(9, np.uint8)), mtime=0)[:-6], "cannot be read"),
        (b"\x1f\x8b" + b"junk" * 9, "cannot be read"),
    ],
    ids=["empty", "magic", "type", "rank", "header", "short", "long", "packed", "junk"],
)
def test_damaged_idx(tmp_path, data, says):
    (tmp_path / "a").write_bytes(data)
    assert says in fails("E0505", "idx", tmp_path, images="a")


def test_npz_columns_and_masks(tmp_path):
    x, test = np.arange(12.0).reshape(4, 3), np.array([[0, 1, 0, 0], [1, 0, 0, 1]], bool)
    np.savez(tmp_path / "a.npz", features=x, y=np.arange(4), is_test=test)
    table = read("npz", tmp_path, path="a.npz")
    np.testing.assert_array_equal(table.parts[ALL]["features"].raw, x)
    np.testing.assert_array_equal(table.masks["is_test"], test)


def test_npz_published_parts(tmp_path):
    np.savez(
        tmp_path / "a.npz", train=np.zeros((4, 2)), test=np.ones((2, 2)), valid=np.ones((1, 2))
    )
    assert {n: list(p) for n, p in read("npz", tmp_path, path="a.npz").parts.items()} == {
        "train": ["values"],
        "test": ["values"],
        "valid": ["values"],
    }
    np.savez(
        tmp_path / "b.npz",
        train_x=np.zeros(4),
        train_y=np.zeros(4),
        test_x=np.ones(2),
        test_y=np.ones(2),
    )
    assert set(read("npz", tmp_path, path="b.npz").parts["test"]) == {"x", "y"}


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_npz_with_pickles_is_refused_and_nothing_runs(tmp_path):
    mark = tmp_path / "executed"
    np.savez(tmp_path / "a.npz", x=np.array([Bomb(mark)], dtype=object))
    message = fails("E0505", "npz", tmp_path, path="a.npz")
    assert "Python objects" in message
    assert not mark.exists()


def test_what_is_larger_than_the_memory_is_described_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr("specc.data.data_folder.free_memory", lambda: 1000)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(100_000))
    message = fails("E0513", "npz", tmp_path, path="a.npz")
    assert "needs 781 KiB of memory, and 1 KiB is free" in message
    (tmp_path / "a").write_bytes(gzip.compress(idx_bytes(np.zeros((5, 400), np.uint8))))
    assert "needs 2 KiB" in fails("E0513", "idx", tmp_path, images="a")
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * 100)
    assert "numpy.save" in fails("E0513", "csv", tmp_path, path="a.csv")


def test_nothing_of_a_bomb_is_unpacked(tmp_path):
    """A header of 2^96 bytes, in a few bytes of file."""
    for data in (b"\0\0\x08\x03" + b"\xff" * 12, gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12)):
        (tmp_path / "a").write_bytes(data)
        assert "of memory" in fails("E0513", "idx", tmp_path, images="a")


@pytest.mark.parametrize("data", [b"", b"junk", b"PK\x03\x04" + b"x" * 40])
def test_damaged_npz(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    assert "cannot be read" in fails("E0505", "npz", tmp_path, path="a.npz")


def test_npz_with_a_text_inside(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"not an array")
    assert "`x` is no array of numpy" in fails("E0505", "npz", tmp_path, path="a.npz")


def test_npz_whose_header_requests_all_memory(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}"
    head = head.ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
    fails("E0505", "npz", tmp_path, path="a.npz")


@pytest.mark.parametrize(
    "path", ["../secret.npz", "/etc/hostname", "link/secret.npz", "a/../../secret.npz"]
)
def test_paths_stay_in_the_folder(tmp_path, path):
    inside, outside = tmp_path / "data", tmp_path / "other"
    (inside / "a").mkdir(parents=True)
    outside.mkdir()
    np.savez(outside / "secret.npz", x=np.zeros(3))
    np.savez(tmp_path / "secret.npz", x=np.zeros(3))
    (inside / "link").symlink_to(outside)
    assert "leads outside the data folder" in fails("E0506", "npz", inside, path=path)


def test_missing_file_lists_what_is_there(tmp_path):
    (tmp_path / "b.npz").write_bytes(b"")
    assert "the folder has b.npz" in fails("E0504", "npz", tmp_path, path="a.npz")


def test_csv(tmp_path):
    text = '\ufeffage, height,is_test\n3,1.5,0\n4,"2.5",1\n\n5,-1e3,0\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    table = read("csv", tmp_path, path="a.csv", columns={"both": ("age", "height")})
    part = table.parts[ALL]
    assert part["age"].raw.tolist() == [3, 4, 5]
    assert part["age"].raw.dtype == np.int64
    assert part["height"].raw.tolist() == [1.5, 2.5, -1000.0]
    assert part["both"].raw.tolist() == [[3.0, 1.5], [4.0, 2.5], [5.0, -1000.0]]
    assert table.masks["is_test"].tolist() == [False, True, False]
    assert "age" not in table.masks


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no header with names of columns"),
        ("a,a\n1,2\n", "names `a` at the columns 1 and 2"),
        ("a,b\n", "a header, but no rows"),
        ("a,b\n1,2\n3\n", "line 3 has 1 values, and the header names 2"),
        ("a,b\n1,2\n3,x\n", "line 3, column `b`: 'x' is not a number"),
    ],
)
def test_damaged_csv(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    assert says in fails("E0505", "csv", tmp_path, path="a.csv")


def test_csv_in_another_encoding(tmp_path):
    (tmp_path / "a.csv").write_bytes("größe\n1\n".encode("latin-1"))
    assert "cannot be read" in fails("E0505", "csv", tmp_path, path="a.csv")


def test_csv_without_a_column_that_is_wanted(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    assert "no column `b`" in fails("E0505", "csv", tmp_path, path="a.csv", columns={"x": ("b",)})
