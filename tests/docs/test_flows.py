"""The pages on flows and autoregressive models: their commands print what the pages say."""

import re
import shlex
from pathlib import Path

import pytest

from specc.catalog.bijections.index import names as bijections
from specc.catalog.causal_links.index import names as causal_links
from specc.cli.main import main

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```text\n\$ specc (?P<line>[^\n]*)\n(?P<printed>.*?)```", re.DOTALL)
PAGES = {"flows": ("nsf", bijections()), "autoregressive": ("made", causal_links())}


@pytest.mark.parametrize("name", PAGES)
def test_the_commands(name, monkeypatch, capsys, request):
    monkeypatch.chdir(ROOT)
    page = ROOT / "docs" / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    pieces, end = [], 0
    for block in BLOCK.finditer(text):
        assert main(shlex.split(block["line"])) == 0
        pieces += [text[end : block.start("printed")], capsys.readouterr().out]
        end = block.end("printed")
    shown = "".join([*pieces, text[end:]])
    if request.config.getoption("--update-golden"):
        page.write_text(shown, encoding="utf-8")
        return
    assert shown == text
    assert len(pieces) == 4


@pytest.mark.parametrize("name", PAGES)
def test_the_spec_and_every_kind_are_there(name):
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    spec, kinds = PAGES[name]
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    assert block in (ROOT / "specs" / f"{spec}.yaml").read_text(encoding="utf-8")
    assert [kind for kind in kinds if f"`{kind}`" not in text] == []
