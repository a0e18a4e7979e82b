"""What the compiler knows of an expression of numbers, and what it leaves to the run time."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph.constants import constant, is_plain, list_of, number_of, without_value
from tests.unit.language.expressions.trees import parsed

CONSTANTS = {"n": 3, "half": 0.5, "rows": ((1, 2), (3, 4))}


def shape_of(name):
    return {"x": (4, 5)}.get(name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("-half", -0.5),
        ("n * dim(x) + 1", 61),
        ("6 / 3", 2),
        ("7 / 2", 3.5),
        ("2 ** 64", None),
        ("(-1) ** half", None),
        ("1 / 0", None),
        ("rows", None),
        ("dim(y)", None),
        ("exp(0)", None),
        ("x + 1", None),
    ],
)
def test_numbers_are_of_numbers_constants_and_sizes(text, value):
    found = number_of(parsed(text), CONSTANTS, shape_of)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("exp(0)", 1.0), ("-sqrt(n + 1) / 2", -1.0), ("exp(x)", None), ("exp(1000)", None)],
)
def test_constants_are_also_of_functions(text, value):
    assert constant(parsed(text), CONSTANTS, shape_of) == value


def test_what_has_no_finite_value_is_found_where_it_arises():
    assert without_value(parsed("exp(1000)"), CONSTANTS, shape_of)
    assert without_value(parsed("1 / (n - 3)"), CONSTANTS, shape_of)
    assert not without_value(parsed("1 + exp(1000)"), CONSTANTS, shape_of)
    assert not without_value(parsed("x / 0"), CONSTANTS, shape_of)


def test_lists_are_tables_of_numbers():
    assert list_of(parsed("[[1, n], [half, 2 * n]]"), CONSTANTS) == ((1.0, 3.0), (0.5, 6.0))
    assert list_of(parsed("rows"), CONSTANTS) == ((1.0, 2.0), (3.0, 4.0))
    assert list_of(parsed("eye(2)"), CONSTANTS) == ((1.0, 0.0), (0.0, 1.0))
    assert list_of(parsed("[1, x]"), CONSTANTS) is None


def test_a_plain_number_uses_no_node_and_makes_no_tensor():
    text = (
        "specc: 1\nname: t\nconstants: {n: 3, rows: [1, 2]}\n"
        "model:\n  x: {latent: normal, loc: 0, scale: 1, shape: [n]}\n"
    )
    graph = front(Source("t.yaml", text), trained=False).graph
    plain = {"n + 1": True, "exp(n)": True, "dim(x)": True, "x": False, "rows": False}
    plain |= {"[n]": False, "eye(n)": False, "n * x": False, "unknown(n)": False}
    for each, expected in plain.items():
        assert is_plain(graph, "model", parsed(each)) == expected, each
