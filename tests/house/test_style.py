"""Style and types, as the tools that this project is written with see them."""

import sys
from pathlib import Path

import pytest

from tests.house.files import ROOT, run

FOLDERS = ["specc", "tests", "benchmarks", "generated"]


def ruff(*arguments):
    return run(sys.executable, "-m", "ruff", *arguments)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_formatter_has_nothing_to_do(folder):
    done = ruff("format", "--check", folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_ruff_finds_nothing(folder):
    """Unused names, order of imports, missing docstrings and annotations, and much more."""
    done = ruff("check", folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types():
    done = run(sys.executable, "-m", "mypy", "specc")
    assert done.returncode == 0, done.stdout


def test_mypy_is_strict_and_the_package_says_that_it_is_typed():
    assert "strict = true" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert Path(ROOT / "specc" / "py.typed").is_file()
