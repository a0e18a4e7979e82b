"""The files of the package with their texts and syntax trees."""

import ast
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "specc").rglob("*.py"))


def name(path):
    """The path of a file relative to the root of the repository."""
    return path.relative_to(ROOT).as_posix()


IDS = [name(path) for path in FILES]
TEXTS = {name(path): path.read_text(encoding="utf-8") for path in FILES}
TREES = {at: ast.parse(text) for at, text in TEXTS.items()}


def below(*folders):
    """The paths of the files in these folders (or files) of the package."""
    wanted = tuple(f"specc/{folder}" for folder in folders)
    return [at for at in TREES if at in wanted or at.startswith(tuple(f"{w}/" for w in wanted))]


def run(*command, cwd=ROOT, **environment):
    """Run a command, by default at the root of the repository, and capture its output."""
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, **environment},
    )
