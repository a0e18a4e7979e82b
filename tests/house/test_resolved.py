"""Code generation uses the results of previous stages: neither the document nor the catalog."""

import ast

import pytest

from tests.house.files import TREES, below

UNRESOLVED = ("specc.language.schema", "specc.catalog.registry", "pydantic")
"""Modules with the document, or with the lookup of catalog entries by name."""

WRITTEN = {"document", "spec", "spans", "unread"}
"""Attributes that refer to the document."""

ALLOWED = {"specc.catalog.registry.module_names"}
"""A set of all names of entries, which variables of generated code cannot have."""


def imported(tree):
    """All modules and names that a file imports, also in functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def unresolved(tree):
    """The imports and attributes in a file that are not resolved values."""
    found = [
        name
        for name in imported(tree)
        if name not in ALLOWED and any(f"{name}.".startswith(f"{m}.") for m in UNRESOLVED)
    ]
    return found + [
        f".{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in WRITTEN
    ]


@pytest.mark.parametrize("at", below("codegen"))
def test_code_generation_reads_only_resolved_values(at):
    """To fix it, add the value to `specc.objective.experiment` or to the graph."""
    assert unresolved(TREES[at]) == []


@pytest.mark.parametrize(
    "text, found",
    [
        ("from specc.catalog.registry import FUNCTIONS", 1),
        ("from specc.catalog import registry", 1),
        ("import specc.catalog.registry as r", 1),
        ("from specc.language.schema.train import Optimizer", 1),
        ("from specc.language import schema", 1),
        ("def f():\n    from pydantic import BaseModel", 1),
        ("rate = plan.graph.graph.spec.document.train", 2),
        ("from specc.catalog.registry import module_names", 0),
        ("from specc.language.expressions.tree import Call", 0),
        ("entry = graph.functions[call.function]", 0),
        ("name = plan.experiment.name", 0),
    ],
)
def test_unresolved_values_are_detected(text, found):
    assert len(unresolved(ast.parse(text))) == found
