"""The page on discrete networks: its commands run and print what it says."""

import re
import shlex
import shutil
from pathlib import Path

from specc.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "discrete.md"
COMMAND = re.compile(r"^\$ specc (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


def test_the_page(tmp_path, monkeypatch, capsys, request):
    text = shown = PAGE.read_text(encoding="utf-8")
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    spec = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "student.yaml").write_text(spec, encoding="utf-8")
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
    assert len(found) == 9
