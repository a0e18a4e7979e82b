"""Specs as they were: `HEAD~1:specs/vae.yaml` is read from git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from specc.cli.failure import Failure, WrongSpec
from specc.diagnostics.source import Source
from specc.language.decode import read_bytes
from specc.reading import read


def read_at(name: str) -> Source:
    """The text of a file, or of a file at a revision; raises `Failure` or `WrongSpec`."""
    if ":" in name and not Path(name).exists():
        return _at_revision(name)
    source, findings = read(name)
    if source is None:
        from specc.cli.findings import rendered

        raise WrongSpec(rendered(findings))
    return source


def _at_revision(name: str) -> Source:
    revision, _, path = name.partition(":")
    if not revision or not path or revision.startswith("-"):
        raise Failure(f"`{name}` names no file at a revision", "write HEAD~1:specs/vae.yaml")
    where = path if path.startswith("/") else f"./{path}"
    command = ["git", "show", "--end-of-options", f"{revision}:{where}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    except FileNotFoundError as error:
        raise Failure("git is not installed, so no revision can be read") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise Failure(f"git does not show `{name}`: {said.removeprefix('fatal: ')}")
    source, findings = read_bytes(name, done.stdout)
    if source is None:
        from specc.cli.findings import rendered

        raise WrongSpec(rendered(findings))
    return source
