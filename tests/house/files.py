"""The files that the rules are about, each parsed once."""

import ast
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "specc").rglob("*.py"))


def name(path):
    """Where a file is, from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


IDS = [name(path) for path in FILES]
TEXTS = {name(path): path.read_text(encoding="utf-8") for path in FILES}
TREES = {at: ast.parse(text) for at, text in TEXTS.items()}


def below(*folders):
    """The names of the package's files in these folders (or files) of it."""
    wanted = tuple(f"specc/{folder}" for folder in folders)
    return [at for at in TREES if at in wanted or at.startswith(tuple(f"{w}/" for w in wanted))]


def run(*command, cwd=ROOT, **environment):
    """A command, by default at the root of the repository, with what it wrote."""
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, **environment},
    )
