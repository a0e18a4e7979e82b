"""Compiles and loads a small spec, or a variant with changed generated code."""

from __future__ import annotations

import itertools
from pathlib import Path

from specc.compiler import compile
from specc.diagnostics.report import message
from specc.diagnostics.source import Source
from specc.runtime.program import Program, load

NUMBERS = itertools.count()


def generated(text: str) -> dict[str, str]:
    """The files of a spec; an error in it fails the test."""
    result, checked = compile(Source("spec.yaml", text))
    assert result is not None, [message(found) for found in checked.diagnostics]
    return dict(result.files)


def program(
    text: str, folder: Path, change: tuple[str, str] | None = None, file: str = "objective.py"
) -> Program:
    """The program of a spec in float64; `change` replaces a part of a generated file."""
    files = generated(text)
    if change is not None:
        old, new = change
        assert files[file].count(old) >= 1, files[file]
        files[file] = files[file].replace(old, new)
    place = folder / f"program{next(NUMBERS)}"
    place.mkdir()
    for name, content in files.items():
        (place / name).write_text(content, encoding="utf-8")
    return load(place).double()
