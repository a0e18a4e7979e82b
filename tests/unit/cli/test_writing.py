"""Files are written atomically, and never outside the folder."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from specc.cli.failure import Failure
from specc.cli.writing import content, write_file, write_folder, write_new_file


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("old")
    path.chmod(0o640)
    write_file(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["a.yaml"]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    mask = os.umask(0o027)
    try:
        write_file(tmp_path / "a", "text")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_link_that_the_user_named_is_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Failure, match="a cannot be written: no space left on device"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_new_file_never_replaces_one(tmp_path):
    write_new_file(tmp_path / "a", "text")
    with pytest.raises(FileExistsError):
        write_new_file(tmp_path / "a", "other")
    assert (tmp_path / "a").read_text() == "text"
    with pytest.raises(Failure, match="cannot be written: no such file or directory"):
        write_new_file(tmp_path / "b" / "c", "text")


def test_a_folder_reports_what_changed(tmp_path):
    files_ = {"model.py": "a", "deep/er.py": "b"}
    assert write_folder(tmp_path / "out", files_) == ("model.py", "deep/er.py")
    assert write_folder(tmp_path / "out", files_) == ()
    assert write_folder(tmp_path / "out", {**files_, "model.py": "c"}) == ("model.py",)
    assert (tmp_path / "out" / "deep" / "er.py").read_text() == "b"


def test_an_unchanged_file_is_not_touched(tmp_path):
    write_folder(tmp_path, {"a": "text"})
    os.utime(tmp_path / "a", ns=(1, 1))
    write_folder(tmp_path, {"a": "text"})
    assert (tmp_path / "a").stat().st_mtime_ns == 1


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../../x", "a\\..\\x", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="is not the name of a file below a folder"):
        write_folder(tmp_path / "out", {"ok": "x", name: "text"})
    assert names(tmp_path) == []


def test_links_inside_the_folder_are_refused(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").symlink_to(outside)
    with pytest.raises(Failure, match="deep is a link"):
        write_folder(out, {"deep/x": "text"})
    (out / "x").symlink_to(outside / "x")
    with pytest.raises(Failure, match="x is a link"):
        write_folder(out, {"x": "text"})
    assert names(outside) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(Failure, match="cannot be written"):
        write_folder(tmp_path / "out", {"x": "text"})


def test_content_is_none_where_there_is_no_text(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff")
    assert content(tmp_path / "bytes") is None
    assert content(tmp_path / "absent") is None
    assert content(tmp_path) is None
