"""Whatever stands in a file, the document stage answers with a spec or with findings."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from specc.diagnostics.report import help_text, message, severity
from specc.diagnostics.source import Source, Span
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.node import ROLES
from specc.language.schema.read import read_spec
from specc.language.schema.read_document import PARTS
from specc.language.schema.read_node import OPTIONS
from specc.language.text import read

LANGUAGE = """
    normal categorical loc scale logits z x elbo iwae minimize particles mlp conv layers linear
    activation tanh adam lr epochs steps schedule at source fields digits npz path from image
    binarize sample split test auto delta score baseline mean scan energy through joint sampler
    init zeros real positive one_hot shape [key] 0 columns bare
"""
ODD = ("class", "a b", "é", "__x", "decoder(z)", "a ^ b", "u[i]", "../x", "x" * 70, "", "yes")
WORDS = sorted({*PARTS, *ROLES, *OPTIONS, *LANGUAGE.split(), *ODD})
SOURCE = Source("any", " ")
SPAN = Span(SOURCE, 0, 1)


def scalar(value: object) -> Scalar:
    kinds = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str"}
    return Scalar(value, SPAN, "plain", kinds[type(value)])


KEYS = st.sampled_from(WORDS)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**63 - 1),
    st.floats(allow_nan=True),
    KEYS,
    st.text(max_size=8),
).map(scalar)


def mapping(entries: dict[str, Located]) -> Mapping:
    return Mapping(tuple(Entry(scalar(key), value) for key, value in entries.items()), SPAN)


TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, max_size=5).map(mapping),
        st.lists(inner, max_size=4).map(lambda items: Sequence(tuple(items), SPAN)),
    ),
    max_leaves=30,
)
SECTIONS = st.dictionaries(st.sampled_from(sorted(PARTS)), TREES, max_size=6).map(mapping)
NODES = st.dictionaries(st.sampled_from([*ROLES, *OPTIONS, "loc", "auto"]), TREES, max_size=5)
PROGRAMS = st.dictionaries(KEYS, NODES.map(mapping), max_size=3).map(mapping)


def check(root: Located, *arguments: str) -> None:
    spec, findings = read_spec(root, [Source("--set", text) for text in arguments])
    for found in findings:
        assert message(found)
        assert help_text(found) is not None
    errors = [f for f in findings if severity(f) == "error"]
    assert spec is not None or errors


@given(st.one_of(TREES, SECTIONS))
def test_any_tree(root: Located):
    check(root)


@given(PROGRAMS, TREES)
def test_any_nodes(program: Mapping, links: Located):
    check(mapping({"specc": scalar(1), "name": scalar("m"), "model": program, "links": links}))


@given(SECTIONS, st.text(max_size=20), st.sampled_from(WORDS), st.text(max_size=12))
def test_any_setting(root: Located, argument: str, key: str, value: str):
    check(root, argument, f"{key}={value}", f"train.{key}={value}", f"model.{key}.{key}={value}")


TEXTS = [path.read_text(encoding="utf-8") for path in sorted(Path("specs").glob("*.yaml"))]


@settings(max_examples=200)
@given(st.data())
def test_any_mutation_of_a_spec(data: st.DataObject):
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 6)))
        new = data.draw(st.sampled_from(["", "x", ": ", "{", "}", "[", "3", "'", "\n", " ", "yes"]))
        text = text[:start] + new + text[end:]
    root, findings = read(Source("spec.yaml", text))
    assert root is not None or findings
    if root is not None:
        check(root)
