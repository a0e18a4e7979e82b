from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import assume, given

from specc.language.expressions.parse import MAX_DEPTH, MAX_LENGTH
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Negate, Number
from specc.language.expressions.walk import depth

from .trees import NOWHERE, TREES, bare, by_python, parsed


@given(TREES)
def test_parsing_what_was_printed_gives_the_tree(tree: Expression):
    text = print_expression(tree)
    assume(len(text) <= MAX_LENGTH and depth(tree) < MAX_DEPTH)
    assert bare(parsed(text)) == bare(tree) == by_python(text)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("((a) + (b))", "a + b"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("a * (b / c)", "a * (b / c)"),
        ("(a * b) + c", "a * b + c"),
        ("-(a * b)", "-(a * b)"),
        ("(-a) * b", "-a * b"),
        ("-(a ** b)", "-(a**b)"),
        ("(-a) ** b", "(-a) ** b"),
        ("a ** (b ** c)", "a ** b**c"),
        ("(a ** b) ** c", "(a**b) ** c"),
        ("2 ** -1", "2**-1"),
        ("x ** f(y)", "x ** f(y)"),
        ("(a + b)[i - 1]", "(a + b)[i - 1]"),
        ("f( x,y , )", "f(x, y)"),
        ("f.T( x )", "f.T(x)"),
        ("1e-3", "0.001"),
        ("-(a)", "-a"),
    ],
)
def test_brackets_stand_only_where_they_are_needed(text: str, printed: str):
    assert print_expression(parsed(text)) == printed


def test_a_negative_number_is_bracketed_like_a_minus():
    minus = Number(-2, NOWHERE)
    assert print_expression(Negate(minus, NOWHERE)) == "--2"


@pytest.mark.slow
@given(TREES)
def test_a_formatter_finds_nothing_to_do(tree: Expression):
    text = print_expression(tree)
    assume(len(text) < 60)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "-"],
        input=f"y = {text}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"y = {text}\n"
