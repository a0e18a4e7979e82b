"""Pictures of the gallery: every node once, no two in one place, arrows as the graph has them."""

from pathlib import Path

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph.draw import dot, image, mermaid, text
from specc.graph.draw.picture import picture

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))


def typed(path):
    checked = front(Source(f"specs/{path.name}", path.read_text(encoding="utf-8")))
    assert checked.typed is not None
    return checked.typed


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_nodes_have_places_of_their_own(path):
    shown = picture(typed(path))
    places = [(d.x, d.y) for d in shown.dots]
    assert len(set(places)) == len(places)
    drawn = {d.key for d in shown.dots}
    for arrow in shown.arrows:
        assert {arrow.start, arrow.end} <= drawn
    layers = {}
    for each in shown.dots:  # the model's own dots come before the guide's copies of its data
        layers.setdefault(each.key, each.y)
    for arrow in shown.arrows:
        if not arrow.dashed and arrow.start != arrow.end:
            assert layers[arrow.start] < layers[arrow.end]


@pytest.mark.parametrize("form", [text, mermaid, dot])
def test_every_node_is_written(form):
    graph = typed(next(p for p in SPECS if p.stem == "gaussian_mixture"))
    drawn = form.draw(graph)
    for name in graph.graph.model.nodes:
        assert name in drawn


def test_images_are_the_same_each_time():
    graph = typed(next(p for p in SPECS if p.stem == "vae"))
    svg = image.draw(graph, "svg")
    assert svg == image.draw(graph, "svg")
    assert b"decoder" in svg
    assert image.draw(graph, "png")[:4] == b"\x89PNG"
