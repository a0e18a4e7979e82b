"""The registries name what the modules of the catalog declare, and import it late."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from specc import catalog
from specc.catalog import registry
from specc.catalog.registry import BIJECTIONS, CAUSAL_LINKS, FUNCTIONS, KINDS, LINKS, Registry

FOLDER = Path(catalog.__file__).parent
REGISTRIES = {name: r for name, r in vars(registry).items() if isinstance(r, Registry)}


def declared(path: Path) -> list[str]:
    """The names of the entries in a module, read from its syntax tree."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    targets = (ast.Assign, ast.AnnAssign)
    for node in tree.body:
        if isinstance(node, targets) and ast.unparse(node).startswith(("ENTRY", "ENTRIES")):
            keywords = [k for k in ast.walk(node) if isinstance(k, ast.keyword) and k.arg == "name"]
            return [ast.literal_eval(k.value) for k in keywords]
    return []


@pytest.mark.parametrize("name", REGISTRIES)
def test_an_entry_is_found_by_its_name(name):
    found = REGISTRIES[name]
    assert list(found) == sorted(found) and len(found) == len(set(found)) > 0
    assert all(entry.name == key for key, entry in found.items())


def test_every_entry_that_is_declared_is_registered():
    every = [name for path in sorted(FOLDER.rglob("*.py")) for name in declared(path)]
    registered = [n for key, r in REGISTRIES.items() if key != "KINDS" for n in r]
    assert sorted(every) == sorted(registered)
    assert set(KINDS) == {*LINKS, *CAUSAL_LINKS, *BIJECTIONS}


def test_a_name_that_is_not_there():
    assert "sinh" not in FUNCTIONS
    with pytest.raises(KeyError, match="sinh"):
        FUNCTIONS["sinh"]
    with pytest.raises(StopIteration):
        FUNCTIONS.first(lambda entry: entry.name == "sinh")


def test_a_module_is_imported_when_an_entry_is_looked_up():
    code = (
        "import sys; from specc.catalog.registry import DISTRIBUTIONS, FUNCTIONS\n"
        "assert 'normal' in DISTRIBUTIONS and 'exp' in FUNCTIONS and len(FUNCTIONS) > 30\n"
        "loaded = lambda: {m for m in sys.modules if m.startswith('specc.catalog.')}\n"
        "assert loaded() == {'specc.catalog.registry'}, loaded()\n"
        "assert DISTRIBUTIONS['normal'].reparameterized\n"
        "assert 'specc.catalog.distributions.laplace' not in loaded()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_generated_code_calls_by_another_name_is_free_for_nodes():
    for name in registry.RENAMED:
        assert registry.FUNCTIONS[name].target.rpartition(".")[2] != name
    assert not registry.RENAMED & registry.module_names()
