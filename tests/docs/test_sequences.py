"""The page on sequences: its commands print what it says, and its code is generated."""

import re
import shlex
from pathlib import Path

from specc.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sequences.md"
COMMAND = re.compile(r"^\$ specc (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)
SPEC = re.compile(r"```yaml\n(specc: 1\nname: (\w+)\n.*?)```", re.DOTALL)


def test_the_page(tmp_path, monkeypatch, capsys, request):
    text = shown = PAGE.read_text(encoding="utf-8")
    for spec, name in SPEC.findall(text):
        (tmp_path / f"{name}.yaml").write_text(spec, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = COMMAND.findall(text)
    for line, expected in found:
        assert main(shlex.split(line)) == 0
        printed = capsys.readouterr().out
        if request.config.getoption("--update-golden"):
            shown = shown.replace(f"$ specc {line}\n{expected}", f"$ specc {line}\n{printed}", 1)
        else:
            assert printed == expected, line
    if shown != text:
        PAGE.write_text(shown, encoding="utf-8")
    assert len(found) == 2


def test_the_code_of_the_page_is_generated():
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert code in (ROOT / "generated" / "dmm" / "objective.py").read_text(encoding="utf-8")


def test_what_is_quoted_of_the_gallery_stands_there():
    """The fragments on lengths and on recurrent networks are those of specs/dmm.yaml, but sizes."""
    text, spec = PAGE.read_text(encoding="utf-8"), (ROOT / "specs" / "dmm.yaml").read_text()
    for line in (
        "    x: {from: notes, shape: [160, 4], many_hot: {from: 21, size: 88}}",
        "  n: {given: n}",
    ):
        assert line in text
        assert line in spec
