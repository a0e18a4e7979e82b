"""Folders of pictures, with the pixels where they belong."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specc.catalog.registry import SOURCES
from specc.data.sources import images
from specc.data.table import ALL
from specc.runtime.failure import RunFailure

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7


def saved(folder, name, values, **options):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(folder / name, **options)


def read(folder, path="faces", **options):
    return images.read({"path": path, **options}, folder)


def fails(folder, code="E0505", path="faces", **options):
    with pytest.raises(RunFailure) as failure:
        read(folder, path, **options)
    assert failure.value.code == code
    return str(failure.value)


def test_grey_pictures_in_the_order_of_their_names(tmp_path):
    saved(tmp_path / "faces", "b.png", GREY)
    saved(tmp_path / "faces", "a.png", 255 - GREY)
    (tmp_path / "faces" / "notes.txt").write_text("no picture")
    table = read(tmp_path)
    column = table.parts[ALL]["image"]
    assert set(table.parts[ALL]) == {"image"}
    assert column.factor == 1 / 255
    assert column.raw.dtype == np.uint8
    np.testing.assert_array_equal(column.raw, np.stack([255 - GREY, GREY]).reshape(2, 12))


def test_colours_are_laid_out_channel_by_channel(tmp_path):
    saved(tmp_path / "faces", "a.png", COLOUR)
    column = read(tmp_path, channels=3).parts[ALL]["image"]
    np.testing.assert_array_equal(column.raw[0].reshape(3, 3, 4), COLOUR.transpose(2, 0, 1))


def test_a_folder_for_each_class(tmp_path):
    saved(tmp_path / "faces" / "dog", "x.png", GREY)
    saved(tmp_path / "faces" / "cat", "y.png", GREY)
    saved(tmp_path / "faces" / "cat", "z.bmp", GREY)
    label = read(tmp_path).parts[ALL]["label"]
    assert label.raw.tolist() == [0, 0, 1]
    assert label.classes == ("cat", "dog")


def test_a_size_takes_means_of_pixels(tmp_path):
    values = np.kron(np.array([[10, 200], [90, 30]], np.uint8), np.ones((4, 6), np.uint8))
    saved(tmp_path / "faces", "a.png", values)
    saved(tmp_path / "faces", "b.png", values[::2, ::3])
    assert read(tmp_path, size=[2, 2]).parts[ALL]["image"].raw.tolist() == [[10, 200, 90, 30]] * 2


def test_what_is_read_is_what_was_declared(tmp_path):
    saved(tmp_path / "faces" / "cat", "a.png", COLOUR)
    for channels, picture in ((1, (3, 4)), (3, (3, 3, 4))):
        options = {"path": "faces", "size": (3, 4), "channels": channels}
        columns = SOURCES["images"].columns(options)
        part = images.read(options, tmp_path).parts[ALL]
        assert set(columns) == set(part)
        assert columns["image"].shape == part["image"].shape
        assert columns["image"].picture == picture
    assert SOURCES["images"].columns({"path": "faces"}) == {}


def test_modes_without_colour(tmp_path):
    bits = Image.fromarray(GREY > 100)
    (tmp_path / "faces").mkdir()
    bits.save(tmp_path / "faces" / "a.png")
    Image.fromarray(GREY).convert("LA").save(tmp_path / "faces" / "b.png")
    found = read(tmp_path).parts[ALL]["image"].raw
    assert found[0].tolist() == (255 * (GREY > 100)).ravel().tolist()
    assert found[1].tolist() == GREY.ravel().tolist()


def test_pictures_that_do_not_agree(tmp_path):
    saved(tmp_path / "faces", "a.png", GREY)
    saved(tmp_path / "faces", "b.png", GREY[:2])
    message = fails(tmp_path)
    assert "b.png cannot be read: it is 2x4, and the pictures before it 3x4" in message
    assert "write `size: [3, 4]`" in message


def test_colours_must_be_chosen(tmp_path):
    saved(tmp_path / "faces", "a.png", COLOUR)
    assert "write `channels: 3`" in fails(tmp_path)
    assert "not 1 (grey) or 3" in fails(tmp_path, channels=2)


def test_a_colour_picture_among_grey_ones(tmp_path):
    saved(tmp_path / "faces", "a.png", GREY)
    saved(tmp_path / "faces", "b.png", COLOUR)
    assert "b.png cannot be read: it is in colours" in fails(tmp_path)
    assert len(read(tmp_path, channels=1).parts[ALL]["image"]) == 2


def test_sixteen_bits_are_not_cut(tmp_path):
    saved(tmp_path / "faces", "a.png", GREY.astype(np.uint16) * 200)
    assert "not of 8 bits a channel" in fails(tmp_path)


def test_folders_and_pictures_side_by_side(tmp_path):
    saved(tmp_path / "faces", "a.png", GREY)
    (tmp_path / "faces" / "cat").mkdir()
    assert "both pictures (`a.png`) and folders (`cat`)" in fails(tmp_path)


def test_empty_folders(tmp_path):
    (tmp_path / "faces" / "cat").mkdir(parents=True)
    assert "each folder is a class" in fails(tmp_path)
    assert "has no folder `dogs`" in fails(tmp_path, "E0504", path="dogs")
    (tmp_path / "faces" / "cat").rmdir()
    assert "has no pictures" in fails(tmp_path, "E0504")


@pytest.mark.parametrize("name", ["a.png", "cat"])
def test_links_that_lead_out(tmp_path, name):
    saved(tmp_path / "secret", "a.png", GREY)
    (tmp_path / "data" / "faces").mkdir(parents=True)
    target = tmp_path / "secret" / "a.png" if name == "a.png" else tmp_path / "secret"
    (tmp_path / "data" / "faces" / name).symlink_to(target)
    assert "leads outside the data folder" in fails(tmp_path / "data", "E0506")
    assert "leads out" in fails(tmp_path / "data", "E0506", path="../secret")


def png(width, height):
    """A picture of nothing that says it is of that size."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cannot be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "cannot be read"),
        (png(20_000, 20_000), "pixels"),
        (png(12_000, 8_000), "pixels"),
        (png(300, 300), "cannot be read"),
        (png(4, 3)[:45], "cannot be read"),
    ],
)
def test_damaged_pictures(tmp_path, data, says):
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "a.png").write_bytes(data)
    assert says in fails(tmp_path)


def test_more_pictures_than_the_memory_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("specc.data.data_folder.free_memory", lambda: 1000)
    saved(tmp_path / "faces", "a.png", GREY)
    assert "take a smaller `size`" in fails(tmp_path, "E0513", size=[100, 100])


def test_a_file_is_opened_as_its_ending_says(tmp_path):
    """A format with a reader of its own risks is not tried under another name."""
    (tmp_path / "faces").mkdir()
    Image.fromarray(GREY).save(tmp_path / "faces" / "a.tiff")
    (tmp_path / "faces" / "a.tiff").rename(tmp_path / "faces" / "a.png")
    assert "cannot be read" in fails(tmp_path)


@pytest.mark.parametrize("missing", [False, True], ids=["a folder of pictures", "the data folder"])
def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch, missing):
    saved(tmp_path / "faces", "a.png", GREY)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert "Permission denied" in fails(tmp_path, path="none" if missing else "faces")
