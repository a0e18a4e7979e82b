"""Windows of a text file, and their characters as classes of a run."""

import gzip

import pytest

from specc.catalog.registry import SOURCES
from specc.data.sources.text_file import read
from specc.runtime.failure import RunFailure

TEXT = "the cat sat\non the mat\n"


def windows(folder, text=TEXT, **options):
    (folder / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    part = read({"path": "a.txt", **options}, folder).parts["all"]
    rows = ["".join(row) for row in part["characters"].raw]
    return rows, part["start"].raw.tolist()


def test_windows_follow_each_other_and_the_rest_is_left_out(tmp_path):
    assert windows(tmp_path, length=8) == (["the cat ", "sat\non t"], [0, 8])
    columns = SOURCES["text_file"].columns({"length": 8})
    assert columns["characters"].shape == (8,)
    assert SOURCES["text_file"].columns({})["characters"].shape == (128,)


def test_windows_may_overlap(tmp_path):
    rows, starts = windows(tmp_path, length=8, stride=3)
    assert starts == [0, 3, 6, 9, 12, 15]
    assert rows == [TEXT[start : start + 8] for start in starts]


def test_a_window_may_be_the_whole_text(tmp_path):
    assert windows(tmp_path, length=len(TEXT)) == ([TEXT], [0])


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        gzip.compress(TEXT.encode()),
        TEXT.encode("utf-16"),
    ],
    ids=["windows", "old macintosh", "gzip", "utf-16"],
)
def test_ends_of_lines_and_encodings_make_no_difference(tmp_path, text):
    assert windows(tmp_path, text, length=8) == windows(tmp_path, length=8)


def test_a_character_is_one_entry_whatever_its_bytes(tmp_path):
    assert windows(tmp_path, "\u00fcber \U0001d400", length=3)[0] == ["\u00fcbe", "r \U0001d400"]


@pytest.mark.parametrize(
    "text, length, words",
    [
        ("short", 6, "5 characters, fewer than a window of 6"),
        ("", 1, "0 characters"),
        ("a" * 70 + "\0b", 5, "null characters"),
        (b"caf\xe9 au lait" * 9, 5, "not UTF-8 text"),
    ],
)
def test_what_fills_no_window_or_is_no_text_is_refused(tmp_path, text, length, words):
    with pytest.raises(RunFailure, match=words) as raised:
        windows(tmp_path, text, length=length)
    assert raised.value.code == "E0505"
