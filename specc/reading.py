"""Reads the text of a spec from a file or from stdin, with diagnostics if that fails."""

from __future__ import annotations

import sys
from pathlib import Path

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.language.decode import read_bytes
from specc.language.limits import MAX_BYTES

STDIN = "-"
ENDINGS = (".yaml", ".yml")


def read(name: str) -> tuple[Source | None, list[Diagnostic]]:
    """Read the spec in the file `name`, or from stdin if `name` is `-`.

    Returns None and diagnostics if there is no such file (E0703), if it cannot be read (E0706), or
    if it is not UTF-8 text of an allowed size. At most one byte more than the largest allowed size
    is read, so that an endless device or pipe is no problem.
    """
    try:
        data = _bytes(name)
    except FileNotFoundError:
        return None, [diagnose("E0703", _nowhere(name), path=name, hint=_hint(name))]
    except (OSError, ValueError) as error:
        problem = _reason(error) if isinstance(error, OSError) else str(error)
        return None, [diagnose("E0706", _nowhere(name), path=name, problem=problem)]
    return read_bytes(display_name(name), data)


def display_name(name: str) -> str:
    """Return the name of the file in diagnostics."""
    return "<stdin>" if name == STDIN else name


def _bytes(name: str) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _reason(error: OSError) -> str:
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]


def _nowhere(name: str) -> Span:
    return Span(Source(display_name(name), ""), 0, 0)


def _hint(name: str) -> str:
    """Return a hint with the spec of the most similar name in the same folder."""
    path = Path(name)
    try:
        beside = {entry.stem: entry for entry in path.parent.iterdir() if entry.suffix in ENDINGS}
    except OSError:
        return f"there is no folder `{path.parent}` either"
    meant = path.name if path.name in beside else nearest(path.stem, beside)
    return f"did you mean `{beside[meant]}`?" if meant else "`specc new` writes one"
