"""Mistakes that no linter reports."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.files import ROOT

FOLDERS = ["specc", "benchmarks", "tests"]
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.comprehension)


def rebound_parameters(text: str) -> list[tuple[int, str]]:
    """The lines in loops that assign a parameter a value independent of its previous one.

    `x = step(x)` is an iteration. `size = len(rows)` is a new variable with the name of a
    parameter; the next iteration of the loop would read it instead of the argument.
    """
    found = []
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = parameters_of(function.args)
            for loop in own_nodes(function):
                if isinstance(loop, (ast.For, ast.AsyncFor, ast.While)):
                    found += rebindings_in(loop, names)
    return sorted(set(found))


def parameters_of(arguments: ast.arguments) -> set[str]:
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    rest = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return {argument.arg for argument in [*listed, *rest]}


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The descendants of a node, without those of inner functions and classes."""
    left = list(ast.iter_child_nodes(node))
    while left:
        child = left.pop()
        if not isinstance(child, SCOPES):
            yield child
            left += ast.iter_child_nodes(child)


def rebindings_in(
    loop: ast.For | ast.AsyncFor | ast.While, names: set[str]
) -> list[tuple[int, str]]:
    found = [] if isinstance(loop, ast.While) else new_values(loop.target, (), names)
    for node in own_nodes(loop):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found += new_values(target, loaded(node.value), names)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            found += new_values(node.target, loaded(node.value), names)
    return found


def new_values(target: ast.expr, read: tuple[str, ...], names: set[str]) -> list[tuple[int, str]]:
    stored = [n for n in ast.walk(target) if isinstance(n, ast.Name)]
    stored = [n for n in stored if isinstance(n.ctx, ast.Store)]
    return [(n.lineno, n.id) for n in stored if n.id in names and n.id not in read]


def loaded(value: ast.expr) -> tuple[str, ...]:
    return tuple(node.id for node in ast.walk(value) if isinstance(node, ast.Name))


# It changes a list of the lines of the text and joins them.
ITERATIONS = {"tests/unit/test_hostile.py"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_loop_rebinds_a_parameter(folder):
    rebindings = {
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if str(path.relative_to(ROOT)) not in ITERATIONS
        for line, name in rebound_parameters(path.read_text(encoding="utf-8"))
    }
    assert not rebindings, "\n".join(sorted(rebindings))


@pytest.mark.parametrize(
    ("body", "rebindings"),
    [
        ("for r in rows:\n  use(size)\n  shares, size = r.shares(), len(r)", 1),
        ("for size in rows:\n  use(size)", 1),
        ("while rows:\n  if (size := len(rows)): rows = rows[size:]", 1),
        ("for r in rows:\n  size = size + len(r)", 0),
        ("for r in rows:\n  size += len(r)", 0),
        ("size = size or 3\nfor r in rows:\n  use(size)", 0),
        ("for r in rows:\n  def inner(size):\n    size = 1", 0),
    ],
)
def test_an_iteration_is_not_a_rebinding(body, rebindings):
    lines = "\n".join("  " + line for line in body.splitlines())
    assert len(rebound_parameters(f"def f(rows, size):\n{lines}\n")) == rebindings


COMPILER = ["catalog", "codegen", "comparison", "diagnostics", "graph", "language", "objective"]


def slow_records(text: str) -> list[str]:
    """The dataclasses that could be Structs: all fields are compared, and no base forbids it."""
    found = []
    for made in ast.walk(ast.parse(text)):
        if isinstance(made, ast.ClassDef):
            decorated = any("dataclass" in ast.unparse(each) for each in made.decorator_list)
            if decorated and not made.bases and "compare=False" not in ast.unparse(made):
                found.append(made.name)
    return found


def test_records_of_the_compiler_are_structs():
    files = [at for folder in COMPILER for at in (ROOT / "specc" / folder).rglob("*.py")]
    assert len(files) > 300
    assert {at.name: slow_records(at.read_text(encoding="utf-8")) for at in files} == {
        at.name: [] for at in files
    }


def test_a_dataclass_of_the_compiler_is_found():
    made = "@dataclass(frozen=True)\nclass A:\n    a: int\n"
    assert slow_records(made) == ["A"]
    assert slow_records(made.replace("int", "int = field(compare=False)")) == []
    assert slow_records(made.replace("A:", "A(Exception):")) == []
