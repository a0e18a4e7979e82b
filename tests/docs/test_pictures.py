"""The pictures of the docs: each is shown, small, and of the spec as it is."""

import re
from pathlib import Path

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph.draw.image import draw

ROOT = Path(__file__).parents[2]
PICTURES = sorted((ROOT / "docs" / "pictures").iterdir())
MOST_BYTES = 60_000
TEXT = re.compile(rb">([^<>]+)</text>")


def test_all_that_is_shown_is_there_and_all_that_is_there_is_shown():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert set(re.findall(r"pictures/([\w.]+)", text)) == {path.name for path in PICTURES}


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small(path):
    assert path.suffix in (".svg", ".png")
    assert path.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("path", [p for p in PICTURES if p.suffix == ".svg"], ids=lambda p: p.stem)
def test_a_graph_is_that_of_its_spec(path):
    """By its texts: the lines may differ with the version of matplotlib."""
    spec = ROOT / "specs" / f"{path.stem}.yaml"
    checked = front(Source(spec.name, spec.read_text(encoding="utf-8")))
    texts = TEXT.findall(draw(checked.typed, "svg"))
    assert texts == TEXT.findall(path.read_bytes()) != []
