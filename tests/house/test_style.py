"""`.ci/lint` runs the checks of style, types and import contracts, and fails if one fails."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.house.files import ROOT

LINT = (ROOT / ".ci" / "lint").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))


def test_mypy_is_strict_and_the_package_is_marked_as_typed():
    assert "strict = true" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert Path(ROOT / "specc" / "py.typed").is_file()


def test_every_folder_with_code_is_linted():
    folders = {path.parent.name for path in ROOT.glob("*/*.py")} | {"generated"}
    for command in ("ruff format --check", "ruff check"):
        found = re.search(rf"{command} (.*) \|\|", LINT)
        assert set(found[1].split()) == folders
    assert "mypy specc" in LINT and "lint_imports_command" in LINT


@pytest.mark.parametrize("tool", ["ruff format", "ruff check", "mypy", "-c"])
def test_the_lint_fails_if_one_tool_fails(tmp_path, tool):
    """The interpreter is replaced by one that fails for one of the tools."""
    fake = tmp_path / "python"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *"{tool}"*) exit 1;; esac\n')
    fake.chmod(0o755)
    done = subprocess.run([ROOT / ".ci" / "lint"], env={**os.environ, "PYTHON": str(fake)})
    assert done.returncode == 1
    fake.write_text("#!/bin/sh\n")
    done = subprocess.run([ROOT / ".ci" / "lint"], env={**os.environ, "PYTHON": str(fake)})
    assert done.returncode == 0


def test_the_full_check_runs_the_readme_and_the_lint():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert run[-1] == ".ci/lint"
    command = next(line for line in run if line.startswith("command="))
    pattern = shlex.split(command.partition("grep ")[2].rstrip(")"))[1]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len([line for line in readme.splitlines() if pattern in line]) == 1


def test_the_commands_of_the_hooks_exist():
    hooks = [hook for repo in HOOKS["repos"] for hook in repo["hooks"]]
    assert {hook["entry"] for hook in hooks} == {".ci/lint", ".ci/quick"}
    for hook in hooks:
        assert os.access(ROOT / hook["entry"], os.X_OK)
        assert re.search(hook["files"], "specc/cli/main.py")


def test_the_interpreter_of_the_quick_tests_can_be_set(tmp_path):
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    quick = [ROOT / ".ci" / "quick", "-x"]
    done = subprocess.run(
        quick, env={**os.environ, "PYTHON": str(fake)}, capture_output=True, text=True
    )
    assert done.stdout == "-m pytest -m quick -n 2 -x\n"
