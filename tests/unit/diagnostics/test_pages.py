"""Every code has a page, and what a page shows is what is printed."""

import re

import pytest

from specc.compiler import front
from specc.diagnostics.codes import CODES
from specc.diagnostics.render_text import render
from specc.diagnostics.source import Source
from tests.unit.diagnostics.pages import PAGES

EXAMPLE = re.compile(r"```yaml wrong\n(.*?)```\n(?:\n[^`]*```text\n(.*?)```)?", re.DOTALL)


def test_every_code_has_a_page_and_every_page_a_code():
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_the_example_gives_the_code(code):
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert code in text.split("\n")[0]
    for spec, printed in EXAMPLE.findall(text):
        found = front(Source("model.yaml", spec)).diagnostics
        assert code in {d.code for d in found}
        if printed:
            assert render(found) + "\n" == printed
