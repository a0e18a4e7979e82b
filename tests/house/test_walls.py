"""The import contracts between layers, and the imports of commands."""

import ast
import configparser
import re
import shutil
import sys

import pytest

from tests.house.files import ROOT, TREES, name, run

LINT = "from importlinter.cli import lint_imports_command as c; c()"
CONTRACTS = 7

# No `__init__` imports these, so that modules of its package can be imported without them.
HEAVY = {"torch", "numpy", "pydantic", "networkx", "yaml", "rich", "matplotlib", "sklearn", "typer"}


BREACHES = [
    ("language/text.py", "specc.graph.graph", "The compiler's floors"),
    ("data/load.py", "specc.engine.train", "The run time's floors"),
    ("graph/draw/text.py", "torch", "The compiler imports no torch"),
    ("objective/terms.py", "specc.runtime.noise", "The compiler imports no torch"),
    ("engine/step/step.py", "specc.codegen.plan", "The run time imports no compiler"),
    ("data/fields.py", "specc.catalog.supports", "The run time imports no compiler"),
    ("runtime/noise.py", "numpy", "Generated code needs torch alone"),
    ("evaluate/importance_weights.py", "specc.cli.main", "Nothing imports the command line"),
    ("infer/order.py", "torch", "Questions are answered without torch"),
]
"""A file, a forbidden import, and its contract; `.ci/lint` checks the others."""


def test_a_violation_is_detected(tmp_path):
    """All violations are in one copy of the package, each inside a function."""
    shutil.copytree(ROOT / "specc", tmp_path / "specc", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for file, imported, _ in BREACHES:
        with (tmp_path / "specc" / file).open("a", encoding="utf-8") as opened:
            opened.write(f"\n\ndef breach() -> None:\n    import {imported}\n")
    done = run(sys.executable, "-c", LINT, "--no-cache", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Contracts: 0 kept, {CONTRACTS} broken" in done.stdout
    parts = re.split(r"\n([^\n]+)\n-{5,}\n", done.stdout)
    details = dict(zip(parts[1::2], parts[2::2], strict=True))
    for file, imported, broken in BREACHES:
        module = f"specc/{file}".removesuffix(".py").replace("/", ".")
        assert f"{module} -> {imported}" in details[broken]


def test_every_package_is_in_a_contract():
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    placed = set(
        f"{contracts['importlinter:contract:compiler']['layers']}"
        f"{contracts['importlinter:contract:run-time']['layers']}".split()
    )
    packages = {p.parent.name for p in (ROOT / "specc").glob("*/__init__.py")}
    assert {f"specc.{p}" for p in packages} - {"specc.cli"} <= placed


@pytest.mark.parametrize("at", [at for at in TREES if at.endswith("__init__.py")])
def test_packages_import_nothing_slow(at):
    lines = (ROOT / at).read_text(encoding="utf-8").count("\n")
    assert lines <= 60, "what it does belongs in a module of its own name"
    imported = set()
    for node in ast.walk(TREES[at]):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & HEAVY


def test_every_folder_of_the_package_is_a_package():
    folders = {p.parent for p in (ROOT / "specc").rglob("*.py")}
    assert [name(f) for f in folders if not (f / "__init__.py").is_file()] == []


def modules_after(*arguments):
    """The packages that a command imports, and the modules of specc."""
    code = (
        "import sys\nfrom specc.cli.main import main\n"
        f"assert main({list(arguments)!r}) == 0\n"
        "print(sorted({m if m.startswith('specc.') else m.partition('.')[0] for m in sys.modules}))"
    )
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    return set(ast.literal_eval(done.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "specs/vae.yaml"],
        ["explain", "specs/vae.yaml"],
        ["diff", "specs/vae.yaml", "specs/iwae.yaml"],
        ["graph", "specs/vae.yaml"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_reading_a_spec_imports_no_torch(arguments):
    assert not modules_after(*arguments) & {"torch", "numpy", "matplotlib", "sklearn"}


def test_help_imports_almost_nothing():
    heavy = {"torch", "pydantic", "networkx", "yaml", "rich"}
    imported = modules_after("--help")
    assert not imported & heavy
    assert {m for m in imported if m.startswith("specc.") and not m.startswith("specc.cli")} == {
        "specc.version"
    }


def test_a_valid_spec_is_checked_without_the_table_of_codes_and_code_generation():
    """Unused imports would slow down every check."""
    imported = modules_after("check", "specs/vae.yaml")
    assert not {m for m in imported if m.startswith(("specc.codegen", "specc.diagnostics.codes"))}
    assert not imported & {"specc.api", "specc.language.yaml_mistakes.explain", "rich"}
