"""What the catalog holds stands in the catalog alone: the core asks for traits, never for names."""

import ast

import pytest

from specc.catalog.bijections import index as bijections
from specc.catalog.causal_links import index as causal_links
from specc.catalog.distributions import index as distributions
from specc.catalog.links import index as links
from specc.catalog.sources import index as sources
from tests.house.files import TREES, below

CORE = ("language", "graph", "objective", "codegen", "engine", "evaluate", "compiler.py")

# Words that mean something else where they stand.
OTHERWISE = {
    ("specc/codegen/emit/learnt.py", "normal"): "`init: normal`",
    ("specc/codegen/erase.py", "json"): "a mode of pydantic",
    ("specc/codegen/manifest.py", "json"): "a mode of pydantic",
    ("specc/engine/compiled.py", "exponential"): "a kind of random number",
    ("specc/engine/compiled.py", "normal"): "a kind of random number",
    ("specc/engine/compiled.py", "uniform"): "a kind of random number",
    ("specc/engine/rates.py", "exponential"): "a course of the learning rate",
    ("specc/engine/rates.py", "linear"): "a course of the learning rate",
    ("specc/language/schema/schedules.py", "exponential"): "a course of the learning rate",
    ("specc/language/schema/schedules.py", "linear"): "a course of the learning rate",
    ("specc/language/schema/train.py", "json"): "pydantic's mode of writing",
    ("specc/language/schema/node.py", "normal"): "`init: normal`",
    ("specc/language/schema/read_link.py", "layers"): "`layers: [...]` is a list, not a mapping",
}


def texts(tree):
    """The texts of the code, without docstrings."""
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in described
    }


INDEXES = [bijections, causal_links, distributions, links, sources]


@pytest.mark.parametrize("index", INDEXES, ids=lambda i: i.__name__)
def test_the_core_names_no_entry(index):
    names = set(index.names())
    found = {(at, text) for at in below(*CORE) for text in texts(TREES[at]) & names}
    assert found - set(OTHERWISE) == set()


def test_every_exception_is_still_one():
    assert all(word in texts(TREES[at]) for at, word in OTHERWISE)


def test_a_name_is_noticed():
    assert texts(ast.parse('"""normal"""\nif entry.name == "normal": pass')) == {"normal"}
