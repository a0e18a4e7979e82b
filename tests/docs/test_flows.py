"""The pages on flows, autoregressive and adversarial models: what their commands print."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from specc.catalog.registry import BIJECTIONS, CAUSAL_LINKS
from specc.cli.main import main
from specc.compiler import front
from specc.diagnostics.source import Source

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```text\n\$ specc (?P<line>[^\n]*)\n(?P<printed>.*?)```", re.DOTALL)
PAGES = {"flows": 2, "flow_gallery": 13, "autoregressive": 6, "adversarial": 1}
PAGES |= {"sharing": 1, "unpaired": 1, "autoencoders": 0, "conditional_gans": 0}
PAGES |= {"semi_supervised": 0, "stages": 0, "distributions": 1, "diffusion": 0}
PAGES |= {"rejection": 0}
"""The pages, and how many commands each has."""

KINDS = {"flows": BIJECTIONS, "autoregressive": CAUSAL_LINKS}
SPEC = re.compile(r"\]\(\.\./specs/(\w+)\.yaml\)|```yaml\n(.*?)```", re.DOTALL)


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
    assert len(pieces) == 2 * PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_what_is_shown_of_a_spec_stands_there(name):
    """Each block is a part of the spec that is named last before it, or of its long form."""
    spec = long_form = ""
    for found in SPEC.finditer((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")):
        if found[1]:
            spec = (ROOT / "specs" / f"{found[1]}.yaml").read_text(encoding="utf-8")
            long_form = front(Source("spec.yaml", spec)).plan.experiment.long_form
        else:
            same = long_form and yaml.safe_load(found[2]) == yaml.safe_load(long_form)
            assert found[2] in spec or found[2].strip() in long_form or same


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_there(name):
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS[name] if f"`{kind}`" not in text] == []
