"""Arguments that are calls are broken again, whatever texts they contain."""

import pytest

from specc.codegen.code.writer import Writer, _call, _dictionary


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("f(x, g(y, z))", ("f", ["x", "g(y, z)"])),
        ("a.f(x, dim=-1)", ("a.f", ["x", "dim=-1"])),
        ('f("a, b(", (1, 2))', ("f", ['"a, b("', "(1, 2)"])),
        ("f(x).sum(-1)", ("", [])),
        ("key=f(x)", ("", [])),
        ("x + f(y)", ("", [])),
    ],
)
def test_a_text_that_is_a_call_is_split(text, found):
    assert _call(text) == found


@pytest.mark.parametrize(
    "text, found",
    [
        ('losses={"a": one, "b": f(1, 2)}', ("losses", ['"a": one', '"b": f(1, 2)'])),
        ("losses={}", ("losses", [])),
        ("{'a': 1}", ("", [])),
        ("f(x=1)", ("", [])),
    ],
)
def test_an_argument_that_is_a_dictionary_is_split(text, found):
    assert _dictionary(text) == found


def test_a_dictionary_that_is_too_long_has_its_entries_on_lines_of_their_own():
    out = Writer()
    out.call("make", ["first", f'losses={{"a": {"b" * 60}, "c": {"d" * 60}}}'], "")
    lines = ["make(", "    first,", "    losses={", f'        "a": {"b" * 60},']
    assert out.text().splitlines() == [*lines, f'        "c": {"d" * 60},', "    },", ")"]
