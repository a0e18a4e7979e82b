"""The rules that keep the project one design: walls, sizes, names, types, style."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(p for p in (ROOT / "specc").rglob("*.py"))
IDS = [str(p.relative_to(ROOT)) for p in FILES]

MOST_LINES, MOST_BODY, MOST_DEPTH = 500, 60, 4

CORE = ("language", "graph", "objective", "codegen", "engine")
FAMILIES = re.compile(r"\b(vae|gan|rbm|sbn|vimco|iwae|normalizing flow|diffusion)\b", re.IGNORECASE)

# Runtime functions that carry the name of their paper's estimator.
NAMED = {"specc/codegen/emit/objective.py": "calls the run time's function of that name"}

BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


def run(*command):
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )


def test_the_walls_between_the_layers():
    linted = run(
        sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"
    )
    assert linted.returncode == 0, linted.stdout
    assert "Contracts: 5 kept, 0 broken" in linted.stdout


@pytest.mark.parametrize("folder", ["specc", "tests", "benchmarks"])
def test_ruff_finds_nothing(folder):
    if not any((ROOT / folder).rglob("*.py")):
        pytest.skip(f"{folder} holds no Python")
    for command in (["check"], ["format", "--check"]):
        done = run(sys.executable, "-m", "ruff", *command, folder)
        assert done.returncode == 0, done.stdout + done.stderr


def test_generated_code_is_as_the_formatter_leaves_it():
    done = run(sys.executable, "-m", "ruff", "format", "--check", "generated")
    assert done.returncode == 0, done.stdout


def test_types():
    done = run(sys.executable, "-m", "mypy", "specc")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_sizes(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno <= MOST_BODY, f"{node.name} is long"
            assert depth(node) <= MOST_DEPTH, f"{node.name} is nested deeply"


def depth(node, elif_of=None):
    """How many blocks stand inside one another; an `elif` is no deeper than its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and [child] == node.orelse
        step = 1 if isinstance(child, BLOCKS) and not is_elif else 0
        deepest = max(deepest, step + depth(child))
    return deepest


def test_the_middle_file_and_function_are_short():
    lines = sorted(p.read_text(encoding="utf-8").count("\n") for p in FILES if p.stem != "__init__")
    bodies = sorted(
        node.end_lineno - node.lineno
        for p in FILES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    )
    assert lines[len(lines) // 2] <= 110
    assert bodies[len(bodies) // 2] <= 8


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_names_and_promises(path):
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            assert caught not in ("Exception", "everything")
        if isinstance(node, ast.Raise) and node.exc is not None:
            assert "NotImplementedError" not in ast.unparse(node.exc)


@pytest.mark.parametrize("layer", CORE)
def test_no_family_in_the_core(layer):
    for path in sorted((ROOT / "specc" / layer).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name in NAMED:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
        words += [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
        words += [n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        found = [w for w in words if FAMILIES.search(w.replace("_", " "))]
        assert not found, f"{name} knows {found}"


def test_checking_a_spec_imports_no_torch():
    code = (
        "import sys\nfrom specc.cli.main import main\n"
        "assert main(['check', 'specs/vae.yaml']) == 0\n"
        "print(sorted({'torch', 'numpy', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("[]")


def test_help_imports_almost_nothing():
    code = (
        "import sys\nfrom specc.cli.main import main\nmain(['--help'])\n"
        "print({'torch', 'pydantic', 'networkx', 'yaml', 'rich'} & set(sys.modules) or '{}')"
    )
    done = run(sys.executable, "-c", code)
    assert done.stdout.strip().endswith("{}"), done.stdout


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_gallery_is_compiled(seed):
    """The committed code is what the specs compile to, whatever the hash seed."""
    import os

    specs = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "specs").glob("*.yaml"))
    command = [sys.executable, "-m", "specc", "compile", "--check", *specs]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
