"""`fmt`: idempotent, keeps every value and every comment, one style."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.diagnostics.source import Source
from specc.language import located
from specc.language.formatter import fmt
from specc.language.text import read

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
    once = formatted(text)
    assert values(once) == values(text)
    assert sorted(comments_of(once)) == sorted(comments_of(text))
    assert formatted(once) == once


def comments_of(text):
    return [line[line.index("#") :].rstrip() for line in text.split("\n") if "#" in line]


def values(text):
    """What a text holds, by the path of each value."""
    root, findings = read(Source("spec.yaml", text))
    assert not [f for f in findings if f.code != "E0015"]
    return sorted(walk(root, ()))


def walk(value, path):
    if isinstance(value, located.Mapping):
        for place, entry in enumerate(value.entries):
            # At the top the order has no meaning.
            yield from walk(entry.value, (*path, str(place) if path else "", entry.name))
    elif isinstance(value, located.Sequence):
        for place, item in enumerate(value.items):
            yield from walk(item, (*path, str(place)))
    else:
        yield (*path, value.tag_kind, repr(value.value))


CUT = """\
model:
  user: {given: user, plate_index: users}
  x: {observed: normal, loc: decoder(z, y), scale: [s[0],1]}  # two cuts
  w: {observed: normal, loc: u[user] * 2}
"""

QUOTED = """\
model:
  user: {given: user, plate_index: users}
  x: {observed: normal, loc: "decoder(z, y)", scale: ["s[0]", 1]}  # two cuts
  w: {observed: normal, loc: "u[user] * 2"}
"""


def test_an_expression_that_yaml_cuts_is_quoted():
    assert formatted(CUT) == QUOTED
    assert formatted(QUOTED) == QUOTED
    assert values(CUT) == values(QUOTED)


TEXTS = """\
objective: elbo


doc: |
  Two lines, then
  objective: two empty ones.


  And {this ,  is} text.
name: "over
  two   lines  "
"""


def test_values_of_several_lines_stay_as_they_are():
    shown = formatted(TEXTS)
    assert values(shown) == values(TEXTS)
    assert shown.index("name:") < shown.index("doc:") < shown.index("\nobjective: elbo")
    assert "ones.\n\n\n  And {this ,  is} text." in shown


def test_the_comment_of_the_whole_file_stays_at_the_top():
    text = "# A model of mine.\n\n# how it is fitted\nobjective: elbo\nspecc: 1\n"
    wanted = "# A model of mine.\n\nspecc: 1\n# how it is fitted\nobjective: elbo\n"
    assert formatted(text) == wanted


def test_a_comment_indented_like_a_node_stays_with_its_section():
    text = "model:\n  z: 1\n\n  # of z\n# of the name\nname: m\n"
    assert formatted(text) == "# of the name\nname: m\nmodel:\n  z: 1\n\n  # of z\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1,\tc: 2}\n",
        "a: {b: , c: 1}\n",
        "{b: 1,  a: 2}\n",
        "a: &x 1\nb: *x\n",
        "a: [.nan]\n",
    ],
)
def test_odd_but_sound_texts_keep_their_values(text):
    assert values(formatted(text)) == values(text)
    assert formatted(formatted(text)) == formatted(text)


PIECES = [
    *"{}[]()'\"#:,-?&*!|>%@`\t\n \\~=.0a\ré中",
    "\n  ",
    ": ",
    " # c\n",
    "|\n   a\n\n\n b\n",
    "'x''y'",
]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_change_of_a_spec_makes_it_fail_or_waver(data):
    text = data.draw(st.sampled_from([QUOTED, TEXTS, UNTIDY]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(st.sampled_from(PIECES)) + text[place:]
    once = formatted(text)
    assert formatted(once) == once
