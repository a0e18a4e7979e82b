"""The picture of the packages in docs/architecture.md is that of their imports."""

from specc.reference.map import END, START, drawn, imported, packages, reduced
from tests.house.files import ROOT

PAGE = ROOT / "docs" / "architecture.md"


def test_the_picture_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(START) == page.count(END) == 1
    hint = "run `python -m specc.reference.map docs/architecture.md`"
    assert drawn(page) == page, hint


def test_imports_are_read():
    text = "from specc.graph.nodes import Node\nimport specc.verdict\nimport torch\n"
    assert list(imported(text)) == ["specc.graph.nodes.Node", "specc.verdict"]


def test_an_arrow_that_a_longer_way_implies_is_left_out():
    graph = packages()
    assert graph.has_edge("codegen", "graph") and graph.has_edge("objective", "graph")
    arrows = reduced(graph, {"codegen", "objective", "graph"})
    assert arrows == [("codegen", "objective"), ("objective", "graph")]
