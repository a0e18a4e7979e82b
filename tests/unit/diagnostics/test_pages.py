"""Every code has a page, what a page shows is what is printed, and what it mends compiles."""

import re

import pytest

from specc.compiler import front
from specc.diagnostics.codes import CODES
from specc.diagnostics.render_text import render
from specc.diagnostics.source import Source
from tests.unit.diagnostics.pages import PAGES

EXAMPLE = re.compile(r"```yaml wrong\n(.*?)```\n(?:\n[^`]*```text\n(.*?)```)?", re.DOTALL)
MENDED = re.compile(r"```yaml right\n(.*?)```\n", re.DOTALL)
PAGE = {code: (PAGES / f"{code}.md").read_text(encoding="utf-8") for code in CODES}


def test_every_code_has_a_page_and_every_page_a_code():
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_page_says_more_than_its_message(code):
    prose = re.sub(r"```.*?```|^#.*?$", "", PAGE[code], flags=re.DOTALL | re.MULTILINE)
    assert len(prose.split()) >= 30
    assert "The message reads" not in prose


@pytest.mark.parametrize("code", sorted(CODES))
def test_the_example_gives_the_code(code):
    text = PAGE[code]
    assert code in text.split("\n")[0]
    for spec, printed in EXAMPLE.findall(text):
        found = front(Source("model.yaml", spec)).diagnostics
        assert code in {d.code for d in found}
        if printed:
            assert render(found) + "\n" == printed


def findings(page):
    """What is printed for each mended spec of a page; nothing where it is sound."""
    return [render(front(Source("model.yaml", spec)).diagnostics) for spec in MENDED.findall(page)]


@pytest.mark.parametrize("code", [code for code in sorted(CODES) if "yaml right" in PAGE[code]])
def test_the_mended_spec_compiles(code):
    found = findings(PAGE[code])
    assert found and not any(found)


def test_a_mended_spec_that_is_still_wrong_is_noticed():
    page = PAGE["E0302"]
    assert findings(page.replace("yaml wrong", "yaml right"))[0].count("E0302") == 1


def test_every_block_of_a_page_is_checked():
    for text in PAGE.values():
        assert text.count("yaml wrong") == len(EXAMPLE.findall(text))
        assert text.count("yaml right") == len(MENDED.findall(text))
