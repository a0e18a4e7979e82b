"""`fmt`: idempotent, keeps every value and every comment, one style."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.diagnostics.source import Source
from specc.language.formatter import _meaning, fmt

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))

UNTIDY = """\
# a model
model:{}
  z: { latent :  normal,loc: 0 , scale: 1, shape: [ 2,3 ] }   # the latent


  x: {observed: normal, loc: "f( z )", scale: 1}

name: m
specc:  1
# what is optimized
objective: elbo
""".replace("{}", "   ")

TIDY = """\
specc: 1
name: m
# a model
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2, 3]}   # the latent

  x: {observed: normal, loc: "f( z )", scale: 1}
# what is optimized
objective: elbo
"""


def formatted(text):
    return fmt(Source("spec.yaml", text))


def test_an_untidy_file():
    assert formatted(UNTIDY).replace("\n\nname", "\nname") == TIDY


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_gallery_is_in_style(path):
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize("text", ["a: [1", "a: 1\na: 2", "\tx: 1", "", "- 1\n- 2\n"])
def test_what_does_not_read_is_left_alone(text):
    assert formatted(text).strip() == text.strip()


words = st.sampled_from(["z", "x", "loc", "scale", "a_b", '"f(x, y)"', "1e-3", "-1", "0.5", "no"])
flow = st.recursive(
    words,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: "[" + " , ".join(v) + "]"),
        st.lists(inner, max_size=3).map(
            lambda v: "{ " + ",".join(f"k{i}:  {x}" for i, x in enumerate(v)) + "}"
        ),
    ),
    max_leaves=6,
)
comments = st.sampled_from(["", "  # why", " # {a: b}", "   #: x"])


@st.composite
def documents(draw):
    keys = draw(st.permutations(["model", "guide", "links", "name", "train"]))
    lines = []
    for key in keys[: draw(st.integers(1, 5))]:
        lines += draw(st.lists(st.sampled_from(["", "# above", "#"]), max_size=2))
        lines.append(f"{key}:{draw(comments)}")
        for number in range(draw(st.integers(1, 3))):
            lines.append(f"  n{number}:  {draw(flow)}{draw(comments)}")
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n\n"]))


@given(documents())
@settings(max_examples=300, deadline=None)
def test_it_keeps_meaning_and_comments_and_settles(text):
    source = Source("spec.yaml", text)
    once = fmt(source)
    assert _meaning(Source("spec.yaml", once)) == _meaning(source)
    assert sorted(comments_of(once)) == sorted(comments_of(text))
    assert formatted(once) == once


def comments_of(text):
    return [line[line.index("#") :].rstrip() for line in text.split("\n") if "#" in line]
