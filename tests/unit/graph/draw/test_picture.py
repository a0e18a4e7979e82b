"""Pictures of the gallery: every node once, no two in one place, arrows as the graph has them."""

from pathlib import Path

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph.draw import dot, extent, image, mermaid, text
from specc.graph.draw.picture import picture

SPECS = sorted((Path(__file__).parents[4] / "specs").glob("*.yaml"))


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


def parts(graph):
    shown = picture(graph)
    return shown, {part.name: part for part in image.parts_of(graph, shown)}


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_nothing_leaves_its_plate_nor_the_picture(path):
    """Texts stay inside, and a plate inside another does not touch it."""
    shown, programs = parts(typed(path))
    edge = extent.picture_box(shown, list(programs.values()))
    for part in programs.values():
        plates = extent.plates(shown, part)
        for number, (plate, box) in enumerate(plates):
            assert edge.left < box.left < box.right < edge.right
            assert edge.low < box.low < box.high < edge.high
            for found in extent.texts(shown, part):
                if found.keys <= set(plate.keys):
                    assert box.left <= found.left < found.right <= box.right
            for inner, smaller in plates[number + 1 :]:
                if set(inner.keys) <= set(plate.keys):
                    assert box.left < smaller.left < smaller.right < box.right
                    assert box.low < smaller.low < smaller.high < box.high


BOTH_WAYS = """\
specc: 1
name: chain
data: {source: digits, fields: {x: {from: image, shape: [8, 8], binarize: sample}}}
plates: {t: {scan: 8}}
model:
  h: {let: "rnn(h[t-1], z[t-1])", initial: 0, shape: [4], plate: t}
  z: {latent: normal, params: prior(h), shape: [2], initial: 0, plate: t}
  x: {observed: bernoulli, logits: "decoder(z, h)", plate: t}
guide:
  z: {latent: normal, params: encoder(x)}
links: {rnn: gru, prior: linear, decoder: linear, encoder: linear}
objective: elbo
"""


def test_arrows_both_ways_do_not_lie_on_each_other():
    """z depends on h, and h on the z of the step before."""
    shown, programs = parts(front(Source("spec.yaml", BOTH_WAYS)).typed)
    runs = {(a.start, a.end): run for a, run in extent.curves(shown, programs["model"])}
    there, back = runs["model_h", "model_z"], runs["model_z", "model_h"]
    assert there.x < back.x
    assert (there.side, back.side) == ("right", "left")


def test_bijections_and_first_values_are_shown():
    shown, _ = parts(typed(next(p for p in SPECS if p.stem == "nsf_vae")))
    assert [d.through for d in shown.dots if d.through] == ["through first, turn, second"]
    shown, _ = parts(typed(next(p for p in SPECS if p.stem == "dmm")))
    first = [(a.start, a.end) for a in shown.arrows if a.label == "initial"]
    assert first == [("model_start", "model_z"), ("guide_before", "guide_z")]


def test_what_a_program_uses_of_another_is_shown_beside_it():
    shown, programs = parts(typed(next(p for p in SPECS if p.stem == "vrnn")))
    labels = [dot.label for dot in programs["guide"].dots.values()]
    assert labels == ["model.x_features", "model.h", "z"]
    drawn = {(a.start, a.end) for a, _ in extent.curves(shown, programs["guide"])}
    assert drawn == {("model_x_features", "guide_z"), ("model_h", "guide_z")}
    shown, programs = parts(typed(next(p for p in SPECS if p.stem == "wgan_gp")))
    labels = [dot.label for dot in programs["between"].dots.values()]
    assert labels == ["data.x", "model.x", "t", "v"]
