"""There are no import cycles, including imports in functions and for types."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import networkx as nx
import pytest

from tests.house.files import TREES


def module_of(at: str) -> str:
    """The name of the module in a file: `specc.graph.graph`; `__init__.py` is the package."""
    return at.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(tree: ast.Module, known: set[str]) -> set[str]:
    """The modules in `known` that a file imports, also in functions."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inside or {node.module}
    return found & known


def circles(trees: Mapping[str, ast.Module]) -> set[frozenset[str]]:
    """The strongly connected components of the import graph with more than one module."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for module, tree in trees.items():
        graph.add_edges_from((module, other) for other in imported(tree, set(trees)))
    together = nx.strongly_connected_components(graph)
    return {frozenset(found) for found in together if len(found) > 1}


def child(module: str, package: str) -> str:
    """The module or package directly inside `package` that contains a module."""
    return ".".join(module.split(".")[: package.count(".") + 2])


def package_circles(trees: Mapping[str, ast.Module], package: str) -> set[frozenset[str]]:
    """The cycles between the modules and packages directly inside a package."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    inside = {module for module in trees if module.startswith(f"{package}.")}
    for module in inside:
        others = imported(trees[module], set(trees)) & inside
        pairs = {(child(module, package), child(other, package)) for other in others}
        graph.add_edges_from((one, other) for one, other in pairs if one != other)
    together = nx.strongly_connected_components(graph)
    return {frozenset(found) for found in together if len(found) > 1}


MODULES = {module_of(at): tree for at, tree in TREES.items()}
PACKAGES = sorted({m.rsplit(".", 1)[0] for m in MODULES if m.startswith("specc.")})
CIRCULAR = {
    "specc.catalog": {frozenset({"specc.catalog.link", "specc.catalog.links"})},
}
"""Packages with a known cycle: the type of a link entry uses a block that its entries also use."""


@pytest.mark.parametrize("package", PACKAGES)
def test_there_are_no_import_cycles_of_packages(package):
    assert package_circles(MODULES, package) == CIRCULAR.get(package, set())


def test_a_cycle_of_packages_is_detected():
    texts = {
        "p.a": "",
        "p.a.one": "import p.b.one",
        "p.a.two": "",
        "p.b": "",
        "p.b.one": "def f():\n    import p.a.two",
        "p.c": "import p.a.one",
        "q": "import p.c",
    }
    trees = {module: ast.parse(text) for module, text in texts.items()}
    assert circles(trees) == set()
    assert package_circles(trees, "p") == {frozenset({"p.a", "p.b"})}


def test_there_are_no_import_cycles_of_modules():
    assert circles(MODULES) == set()


def test_a_cycle_is_detected():
    texts = {
        "p": "",
        "p.a": "from p import b, d",
        "p.b": "from p.c import f",
        "p.c": "if TYPE_CHECKING:\n    import p.a",
        "p.d": "def f():\n    from p import e",
        "p.e": "import p",
    }
    found = circles({module: ast.parse(text) for module, text in texts.items()})
    assert found == {frozenset({"p.a", "p.b", "p.c"})}
