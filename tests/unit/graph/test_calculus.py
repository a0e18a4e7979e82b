"""Derivatives and values at zero, as they are written."""

import pytest

from specc.diagnostics.source import Source, Span
from specc.graph import calculus
from specc.graph.passes.energy_shapes import EnergyShapes
from specc.graph.zeros import at_zero
from specc.language.expressions.parse import parse
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression

VECTOR = (1.0, 2.0, 3.0)
CONSTANTS = {"w": (VECTOR, VECTOR, VECTOR), "k": 2.0, **dict.fromkeys("axvhp", VECTOR)}
SHAPES = EnergyShapes({}, {}, CONSTANTS)
rank = SHAPES.rank


def parsed(text: str) -> Expression:
    source = Source("given", text)
    found = parse(text, lambda start, end: Span(source, start, end))
    assert isinstance(found, Expression)
    return found


@pytest.mark.parametrize(
    ("energy", "written"),
    [
        ("sum(p * (x - a) ** 2) / 2", "p * (x - a)"),
        ("0.5 * sum(p * (x - a) ** 2)", "p * (x - a)"),
        ("sum((x - a) ** 2) / (2 * k)", "(x - a) / k"),
        ("sum((x / 3) ** 2) / 2", "x / 9"),
        ("-(x @ w @ (2 * h - 1))", "-(w @ (2 * h - 1))"),
        ("-(2 * x - 1) @ a", "-(2 * a)"),
        ("0.1 * sum(x)", "0.1"),
    ],
)
def test_numbers_are_factors_in_front(energy, written):
    found = calculus.derivative(parsed(energy), "x", rank)
    assert print_expression(found) == written


@pytest.mark.parametrize(
    ("energy", "written"),
    [
        ("v @ w @ (2 * x - 1)", "-sum(v @ w)"),
        ("(2 * x - 1) @ w @ v", "-sum(w @ v)"),
        ("sum((2 * x - 1) * v) + k", "sum(-v) + k"),
        ("v @ w @ x + a @ v", "a @ v"),
    ],
)
def test_a_number_stands_for_all_entries_at_zero(energy, written):
    found = at_zero(parsed(energy), {"x"}, rank, SHAPES.of)
    assert found is not None
    assert print_expression(found) == written


def test_the_sum_of_a_number_for_all_entries_counts_them():
    found = at_zero(parsed("sum(2 * x - 1)"), {"x"}, rank, SHAPES.of)
    assert print_expression(found) == "-3"


def test_the_sum_of_a_number_for_unknown_entries_is_refused():
    with pytest.raises(calculus.NotPolynomial):
        at_zero(parsed("sum(2 * x - 1)"), {"x"}, rank)
