"""Arguments that are calls are broken again, whatever texts they contain."""

import pytest

from specc.codegen.code.writer import _call


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
