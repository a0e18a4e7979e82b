"""From a name to a text, or to a finding with the reason."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace

import pytest

from specc.diagnostics.report import help_text, message
from specc.reading import read


def refusal(name):
    source, (finding,) = read(str(name))
    assert source is None
    return finding.code, message(finding), help_text(finding)


def test_a_text_is_read_as_it_is(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes("specc: 1\r\n# ä\n".encode())
    source, findings = read(str(path))
    assert findings == []
    assert source.text == "specc: 1\r\n# ä\n"
    assert source.path == str(path)


def test_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"specc: 1\n")))
    source, findings = read("-")
    assert (source.path, source.text, findings) == ("<stdin>", "specc: 1\n", [])


def test_a_missing_file_names_the_nearest_one(tmp_path):
    (tmp_path / "vae.yaml").touch()
    for given in ("vea.yaml", "vae"):
        code, words, hint = refusal(tmp_path / given)
        assert code == "E0703"
        assert words == f"there is no file `{tmp_path / given}`"
        assert hint == f"did you mean `{tmp_path / 'vae.yaml'}`?"
    assert refusal(tmp_path / "hmm.yaml")[2] == "`specc new` writes one"
    assert "there is no folder" in refusal(tmp_path / "no" / "vae.yaml")[2]


def test_a_folder_cannot_be_read(tmp_path):
    code, words, _ = refusal(tmp_path)
    assert code == "E0706"
    assert words == f"the file `{tmp_path}` cannot be read: is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_forbidden_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.touch(mode=0o000)
    assert refusal(path)[:2] == (
        "E0706",
        f"the file `{path}` cannot be read: permission denied",
    )


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"specc: \xff\n")
    assert refusal(path)[0] == "E0001"


def test_a_device_without_end_is_not_read_to_it():
    assert refusal("/dev/zero")[0] == "E0004"


def test_a_name_no_file_can_have():
    assert refusal("a\0b")[0] == "E0706"
