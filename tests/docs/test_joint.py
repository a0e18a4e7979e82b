"""The page on joint draws: its commands and blocks run, in order, and print what it says."""

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

from specc.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "joint.md"
BLOCK = re.compile(
    r"```python\n(?P<code>.*?)```(?:\n\n```text\n(?P<said>.*?)```)?"
    r"|```text\n\$ specc (?P<line>[^\n]*)\n(?P<printed>.*?)```",
    re.DOTALL,
)


def test_the_page(tmp_path, monkeypatch, capsys, request):
    for folder in ("specs", "generated/vflow"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    pieces, names, end = [], {}, 0
    found = list(BLOCK.finditer(text))
    for block in found:
        group = "printed" if block["line"] else "said"
        if block["line"]:
            assert main(shlex.split(block["line"])) == 0
            printed = capsys.readouterr().out
        else:
            printed = run(block["code"], names)
        if block[group] is not None:
            pieces += [text[end : block.start(group)], printed]
            end = block.end(group)
        else:
            assert not printed
    shown = "".join([*pieces, text[end:]])
    if request.config.getoption("--update-golden"):
        PAGE.write_text(shown, encoding="utf-8")
        return
    assert shown == text
    assert len(found) == 4


def run(code, names):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(PAGE), "exec"), names)
    return out.getvalue()


def test_the_spec_of_the_page_is_the_one_of_the_gallery():
    block = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert block in (ROOT / "specs" / "vflow.yaml").read_text(encoding="utf-8")
