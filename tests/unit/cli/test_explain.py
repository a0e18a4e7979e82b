"""Pages of codes on the command line."""

from __future__ import annotations

import pytest

from specc.cli import codes
from tests.unit.cli.running import run


def test_a_code_prints_its_page(capsys, monkeypatch, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "E0006.md").write_text("# E0006\n\nTwice.\n")
    monkeypatch.setattr(codes.resources, "files", lambda package: tmp_path)
    for written in ("E0006", "e0006"):
        result = run(capsys, "explain", written)
        assert (result.code, result.out) == (0, "# E0006\n\nTwice.\n")


def test_an_unknown_code_gets_a_suggestion(capsys):
    result = run(capsys, "explain", "E0060")
    assert result.code == 2
    assert result.err == "specc: there is no code `E0060`\n  did you mean `E0006`?\n"


@pytest.mark.parametrize(
    "word, answer", [("E0301", True), ("w0201", True), ("E301", False), ("vae.yaml", False)]
)
def test_what_is_written_like_a_code(word, answer):
    assert codes.is_code(word) is answer
