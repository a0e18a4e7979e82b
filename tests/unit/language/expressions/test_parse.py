from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import help_text, message
from specc.diagnostics.source import Source, Span
from specc.language.expressions.parse import MAX_DEPTH, MAX_LENGTH, parse
from specc.language.expressions.tree import Binary, Call, Member, Name, Number
from specc.language.expressions.walk import calls, children, depth, members, names, walk

from .trees import bare, by_python, parsed, read, refused

ACCEPTED = [
    "1",
    "1.5e-3",
    ".5",
    "3.",
    "1_000",
    "x",
    "model.x",
    "a + b - c",
    "a - (b - c)",
    "a / b / c * d @ e",
    "-x ** 2",
    "(-x) ** 2",
    "2 ** -x ** y",
    "a ** b ** c",
    "(a ** b) ** c",
    "- - x",
    "-a * b",
    "a * -b",
    "f()",
    "f(x,)",
    "f.T(x)",
    "-2 * f.T(g(x) - f(x))[0]",
    "f(g(x), y)[0][t-1]",
    "[1, [2, 3],]",
    "[a, b][0]",
    "(a + b)[0]",
    "table[i, j + 1]",
    "[[1, 2], [3, 4]][i, j,]",
    "x[a[i], [1, 2][j]][k]",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_means_what_it_means_in_python(text: str):
    assert bare(parsed(text)) == by_python(text)


PIECES = ["x", "f", "2", ".5", "+", "-", "*", "/", "**", "@", "(", ")", "[", "]", ",", ".", " "]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_whatever_is_accepted_is_python_and_means_the_same(text: str):
    tree = read(text)
    if not isinstance(tree, Diagnostic):
        assert bare(tree) == by_python(text)


@given(st.lists(st.sampled_from(["x", "2", "-", "+", "*", "**", "(", ")", "/", "@"]), max_size=9))
def test_arithmetic_that_is_python_is_accepted(pieces: list[str]):
    text = " ".join(pieces)
    try:
        wanted = by_python(text)
    except (SyntaxError, AssertionError):
        return
    if any(isinstance(n, ast.Call) and not isinstance(n.func, ast.Name) for n in tree_of(text)):
        return
    if "2 (" in text or ") (" in text:
        return
    assert bare(parsed(text)) == wanted


def tree_of(text: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(text, mode="eval")))


@given(st.text(max_size=40))
def test_any_text_gives_a_tree_or_a_diagnostic(text: str):
    found = read(text)
    if isinstance(found, Diagnostic):
        assert message(found)
        assert 0 <= found.span.start <= found.span.end <= len(text)


REFUSED = [
    ("a ^ b", "E0121", "^", "`**`"),
    ("f(x; y)", "E0121", ";", "commas"),
    ("a × b", "E0121", "×", "`*`"),
    ("x²", "E0121", "²", "`**2`"),
    ("d\u0435coder(z)", "E0121", "\u0435", "plain `e`"),
    ("ｘ + 1", "E0121", "ｘ", "plain `x`"),
    ("θ", "E0121", "θ", "letters a to z"),
    ("café", "E0121", "é", "letters a to z"),
    ("√x", "E0121", "√", "sqrt"),
    ("x\u00a0+ y", "E0121", "\u00a0", "plain space"),
    ("x \U0001f600", "E0121", "\U0001f600", "delete"),
    ("x # y", "E0121", "#", "comment"),
    ("a == b", "E0124", "==", ""),
    ("a <= b", "E0124", "<=", ""),
    ("a // b", "E0124", "//", ""),
    ("f(x=1)", "E0124", "=", ""),
    ("x[1:2]", "E0124", ":", ""),
    ("{a}", "E0124", "{", ""),
    ('__import__("os")', "E0124", "__import__", ""),
    ("f('os')", "E0124", "'os'", ""),
    ('"os', "E0124", '"os', ""),
    ("lambda x: x", "E0124", "lambda", ""),
    ("x if y else z", "E0124", "if", ""),
    ("await x", "E0124", "await", ""),
    ("a.b(c)", "E0124", "a.b(", ""),
    ("f(x).y", "E0124", ".y", ""),
    ("(x).y", "E0124", ".y", ""),
    ("a.b.c", "E0122", "a.b.c", "`c`"),
    ("x.", "E0122", ".", "model.x"),
    ("x.1", "E0122", ".1", "`x[1]`"),
    ("f(x)(y)", "E0122", "(", "product"),
    ("(f)(x)", "E0122", "(", "product"),
    ("2(x)", "E0122", "(", "product"),
    ("2x", "E0122", "x", "product"),
    ("f(x y)", "E0122", "y", "comma"),
    ("(a, b)", "E0122", ",", "`[a, b]`"),
    ("a, b", "E0122", ",", "`[a, b]`"),
    ("()", "E0122", "()", "delete"),
    ("[]", "E0122", "[]", "entries"),
    ("x[]", "E0122", "[]", "entry"),
    ("x[0 1]", "E0122", "1", "comma"),
    ("x[0:1]", "E0124", ":", ""),
    ("3[0]", "E0122", "[", "`u[user]`"),
    ("+x", "E0122", "+", "delete"),
    ("a +", "E0122", "+", "what it applies to"),
    ("(a *)", "E0122", "*", "what it applies to"),
    ("* x", "E0122", "*", "name or a number"),
    ("f(, x)", "E0122", ",", "name or a number"),
    ("a)", "E0122", ")", "delete"),
    (")", "E0122", ")", "delete"),
    ("(a]", "E0122", "]", "`)`"),
    ("0x1f", "E0122", "0x1f", "decimal"),
    ("012", "E0122", "012", "`12`"),
    ("f(x", "E0123", "(", "`)`"),
    ("f(x,", "E0123", "(", "`)`"),
    ("f(", "E0123", "(", "`)`"),
    ("u[t - 1", "E0123", "[", "`]`"),
    ("1e999", "E0014", "1e999", ""),
    ("9" * 30, "E0014", "9" * 30, "2^63"),
    ("9" * 5000, "E0014", "9" * 5000, "2^63"),
    ("  ", "E0126", "  ", "decoder(z)"),
    ("", "E0126", "", "decoder(z)"),
]


@pytest.mark.parametrize(("text", "code", "marked", "fix"), REFUSED)
def test_a_mistake_is_marked_and_explained(text: str, code: str, marked: str, fix: str):
    found = refused(text)
    assert (found.code, found.span.text) == (code, marked)
    assert message(found)
    assert fix in help_text(found)


def test_lines_of_a_folded_text_are_one_expression():
    assert bare(parsed(" x\n + y\n")) == by_python("x + y")


def test_the_leftmost_mistake_is_the_one_reported():
    assert refused("a ^ b == c").span.text == "^"


def test_a_long_expression_is_shown_in_part():
    found = refused("x + " * 50 + "2 y" + " + x" * 50)
    assert len(found.evidence["expression"]) < 80
    assert "2 y" in found.evidence["expression"]


def test_places_are_those_of_the_pieces():
    tree = parsed(" (a + b) * f(x, model.y)")
    assert isinstance(tree, Binary)
    assert tree.span.text == "(a + b) * f(x, model.y)"
    assert tree.left.span.text == "a + b"
    call = tree.right
    assert isinstance(call, Call)
    assert (call.function_span.text, call.span.text) == ("f", "f(x, model.y)")
    assert [a.span.text for a in call.arguments] == ["x", "model.y"]


def test_places_come_from_the_callback():
    source = Source("spec.yaml", "loc: x +")
    found = parse("x +", lambda start, end: Span(source, start + 5, end + 5))
    assert isinstance(found, Diagnostic)
    assert (found.span.start, found.span.end) == (7, 8)


@pytest.mark.parametrize(
    "nested",
    [
        lambda n: "(" * n + "x" + ")" * n,
        lambda n: "-" * n + "x",
        lambda n: "f(" * n + "x" + ")" * n,
        lambda n: "x" + " ** x" * n,
        lambda n: "x" + " + x" * n,
        lambda n: "x" + "[0]" * n,
        lambda n: "[" * n + "x" + "]" * n,
    ],
)
def test_depth_is_limited(nested):
    assert refused(nested(MAX_DEPTH)).code == "E0125"
    assert refused(nested(1500)).code == "E0125"
    assert not isinstance(read(nested(MAX_DEPTH - 1)), Diagnostic)


def test_length_is_limited():
    text = "f(" + "x," * ((MAX_LENGTH - 3) // 2) + ")"
    assert not isinstance(read(text), Diagnostic)
    assert refused(text + " " * MAX_LENGTH).code == "E0127"


def test_whole_numbers_stay_whole():
    tree = parsed("[2, 2.0, 9223372036854775807]")
    assert [type(e.value) for e in children(tree) if isinstance(e, Number)] == [int, float, int]
    assert refused("9223372036854775808").code == "E0014"


def test_walking_goes_from_the_outside_in_and_from_left_to_right():
    tree = parsed("f(a, -b) * u[c] + [d, model.e]")
    assert [n.id for n in names(tree)] == ["a", "b", "u", "c", "d"]
    assert [c.function for c in calls(tree)] == ["f"]
    assert [(m.program, m.name) for m in members(tree)] == [("model", "e")]
    assert next(walk(tree)) is tree
    assert isinstance(members(tree)[0], Member)
    assert depth(tree) == 5
    assert depth(Name("x", tree.span)) == 1
