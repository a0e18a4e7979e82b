"""Where compiled code goes, and how it compares with what is there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from specc.cli.files import content
from specc.reading import STDIN

GENERATED = "generated"


def folder_for(spec: str, name: str, out: str | None) -> Path:
    """`<out>/<name>`; without `--out` the folder `generated` beside a folder `specs`, else here."""
    if out is not None:
        return Path(out) / name
    parent = Path(spec).parent
    beside = parent.parent if spec != STDIN and parent.name == "specs" else Path()
    return beside / GENERATED / name


@dataclass(frozen=True, slots=True)
class Drift:
    """A file that is not what the spec compiles to: `kind` says why."""

    path: Path
    kind: str
    difference: str


def drifts(folder: Path, files: Mapping[str, str]) -> list[Drift]:
    """Every file of a generated folder that is missing, out of date, edited, or not ours."""
    found = [d for name, text in files.items() if (d := _drift(folder / name, text)) is not None]
    return found + [
        Drift(path, "is not part of the compiled spec", "") for path in _strangers(folder, files)
    ]


def _drift(path: Path, text: str) -> Drift | None:
    there = content(path)
    if there == text:
        return None
    if there is None:
        return Drift(path, "is missing", "")
    kind = "was edited by hand" if edited(path) else "is out of date"
    lines = difflib.unified_diff(
        there.splitlines(), text.splitlines(), str(path), "compiled from the spec", lineterm=""
    )
    return Drift(path, kind, "\n".join(lines))


def edited(path: Path) -> bool:
    """Whether a generated Python file no longer has the body that its header states."""
    from specc.codegen.package import body_digest

    there = content(path)
    if there is None or path.suffix != ".py":
        return False
    stated, found = body_digest(there)
    return stated != found


def _strangers(folder: Path, files: Mapping[str, str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.glob("*.py") if p.name not in files)
