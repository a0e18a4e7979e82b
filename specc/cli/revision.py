"""Earlier revisions of specs: `HEAD~1:specs/vae.yaml` is read from git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from specc.cli import exits
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


def committed(name: str) -> Source:
    """The text of a file in the last commit; raises `Failure` or `WrongSpec`."""
    path = Path(name).resolve()
    text = _git("-C", str(path.parent), "show", "--end-of-options", f"HEAD:./{path.name}")
    if isinstance(text, str):
        problem = f"git cannot show the last commit of `{name}`: {text}"
        if "not a git repository" in text:
            problem = f"`{name}` is not in a git repository, so it has no earlier version"
        elif "HEAD" in text:
            problem = f"`{name}` is in no commit yet, so it has no earlier version"
        raise Failure(problem, "name two specs to compare: specc diff OLD NEW", exits.WRONG)
    return _decoded(f"HEAD:{name}", text)


def _at_revision(name: str) -> Source:
    revision, _, path = name.partition(":")
    if not revision or not path or revision.startswith("-"):
        raise Failure(f"`{name}` names no file at a revision", "such as HEAD~1:specs/vae.yaml")
    where = path if path.startswith("/") else f"./{path}"
    text = _git("show", "--end-of-options", f"{revision}:{where}")
    if isinstance(text, str):
        raise Failure(f"git cannot show `{name}`: {text}")
    return _decoded(name, text)


def _git(*arguments: str) -> bytes | str:
    """The output of git, or its error message; raises `Failure` if git is not installed."""
    command, environment = ["git", *arguments], {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=60, env=environment
        )
    except FileNotFoundError as error:
        raise Failure("git is not installed, so no revision can be read") from error
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        return message.removeprefix("fatal: ")
    return done.stdout


def _decoded(name: str, text: bytes) -> Source:
    source, findings = read_bytes(name, text)
    if source is None:
        from specc.cli.findings import rendered

        raise WrongSpec(rendered(findings))
    return source
