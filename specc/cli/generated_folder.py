"""The folder of compiled code, and how its files differ from the compiled ones."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from specc.cli.writing import content
from specc.reading import STDIN

GENERATED = "generated"


def folder_for(spec: str, name: str, out: str | None) -> Path:
    """`<out>/<name>`; without `--out` the folder `generated` beside a folder `specs`, else here."""
    if out is not None:
        return Path(out) / name
    parent = Path(spec).parent
    beside = parent.parent if spec != STDIN and parent.name == "specs" else Path()
    return beside / GENERATED / name


class Drift(Struct, frozen=True):
    """A file that differs from what the spec compiles to; `kind` is the reason."""

    path: Path
    kind: str
    difference: str


def drifts(folder: Path, files: Mapping[str, str]) -> list[Drift]:
    """Every file of a generated folder that is missing, out of date, edited, or not generated."""
    found = [d for name, text in files.items() if (d := _drift(folder / name, text)) is not None]
    return found + [
        Drift(path, "is not part of the compiled spec", "") for path in _unexpected(folder, files)
    ]


def _drift(path: Path, text: str) -> Drift | None:
    present = content(path)
    if present == text:
        return None
    if present is None:
        return Drift(path, "is missing", "")
    kind = "was edited by hand" if edited(path) else "is out of date"
    lines = difflib.unified_diff(
        present.splitlines(), text.splitlines(), str(path), "compiled from the spec", lineterm=""
    )
    return Drift(path, kind, "\n".join(lines))


def edited(path: Path) -> bool:
    """Whether the body of a generated Python file differs from the digest in its header."""
    from specc.codegen.package import body_digest

    present = content(path)
    if present is None or path.suffix != ".py":
        return False
    stated, found = body_digest(present)
    return stated != found


def _unexpected(folder: Path, files: Mapping[str, str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.glob("*.py") if p.name not in files)
