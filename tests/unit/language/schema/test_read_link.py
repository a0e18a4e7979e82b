"""What is no value of a kind of link gets the value to write, and that value is taken."""

import pytest

from specc.catalog.registry import KINDS
from specc.compiler import front
from specc.diagnostics.report import help_text, message
from specc.diagnostics.source import Source
from tests.golden.advice import mended

SPEC = """specc: 1
name: t
data: {source: digits, fields: {x: {from: image, dtype: float32}}}
model:
  x: {observed: normal, loc: 0, scale: s}
  s: {parameter: positive}
links: {g: {LINK}, classifier: linear}
objective: mle
"""
VALUES = ["{}", "[]", "null", "", "word", "-1.5", "3", "[a]", "{a: 1}", "true", "false", "yes"]
WRONG = ("E0603", "E0114", "E0102", "E0116", "E0608")


def errors(text):
    return [d for d in front(Source("m.yaml", text)).diagnostics if d.code.startswith("E")]


@pytest.mark.parametrize("value", VALUES)
def test_the_message_gives_what_to_write(value):
    for kind in KINDS:
        for found in errors(SPEC.replace("LINK", f"{kind}: {value}")):
            assert found.code in WRONG
            assert "True" not in message(found)
            assert help_text(found), f"{kind}: {value}"


@pytest.mark.parametrize("value", VALUES)
def test_given_options_are_used(value):
    followed = 0
    for kind in KINDS:
        for found in errors(SPEC.replace("LINK", f"{kind}: {value}")):
            text = mended(found)
            followed += text is not None
            assert text is None or not errors(text), f"{kind}: {value}"
    assert followed or value in ("true", "yes")


@pytest.mark.parametrize("kind", ["linear", "gru"])
def test_a_size_where_there_is_none(kind):
    (found,) = errors(SPEC.replace("LINK", f"{kind}: 128"))
    assert (
        help_text(found)
        == f"write `{kind}: true`; its sizes follow from the nodes that it connects"
    )
