"""The source map: from a line of generated code to its node and the line of the spec."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from specc.runtime.failure import RunFailure

NAME = "sourcemap.json"

MAX_LINES = 1_000_000
"""More than the lines of a generated file: a damaged map cannot fill the memory."""

OUT_OF_MEMORY = ("not enough memory", "out of memory", "t allocate memory")
"""Texts of torch's errors, on Windows, on a GPU, and on the CPU."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node, as `model.x`, and where the spec declares it, as `vae.yaml:10:3`."""

    node: str
    at: str


@contextmanager
def located(folder: Path) -> Iterator[None]:
    """A context that adds the node and the line of the spec to exceptions in code of `folder`.

    Exceptions from elsewhere, and instances of RunFailure, are not changed.

    Raises RunFailure: E0809, with the original exception as its cause.
    """
    try:
        yield
    except RunFailure:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        found = find(traceback.extract_tb(e.__traceback__), folder)
        if found is None:
            raise
        raise _failure(e, found) from e


@dataclass(frozen=True, slots=True)
class Found:
    """A line of generated code, such as `model.py:38`, with its place in the spec if known."""

    line: str
    place: Place | None


def find(frames: Iterable[traceback.FrameSummary], folder: Path) -> Found | None:
    """The innermost frame in code of `folder` with a place in the spec, else the innermost."""
    inside = folder.resolve()
    places = _places(folder)
    innermost: Found | None = None
    for frame in reversed(list(frames)):
        path = Path(frame.filename)
        if path.resolve().parent != inside:
            continue
        line = f"{path.name}:{frame.lineno}"
        innermost = innermost or Found(line, None)
        if line in places:
            return Found(line, places[line])
    return innermost


def _places(folder: Path) -> dict[str, Place]:
    """The source map, by `file:line`; empty if it is absent or damaged."""
    try:
        source_map = json.loads((folder / NAME).read_text(encoding="utf-8"))
        nodes = source_map["nodes"]
        return {
            f"{file}:{line}": Place(node, nodes[node])
            for file, ranges in source_map["lines"].items()
            for span, node in ranges.items()
            for line in _lines(span)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _lines(span: str) -> range:
    """The lines of `12`, or of `12-15`; a range that no generated file can have is empty."""
    first, _, last = span.partition("-")
    start, stop = int(first), int(last or first)
    return range(start, stop + 1 if stop < MAX_LINES else start)


def _failure(error: BaseException, found: Found) -> RunFailure:
    file, place = found.line, found.place
    first_line = str(error).partition("\n")[0]
    what = f"{type(error).__name__}: {first_line}"
    if any(words in str(error) for words in OUT_OF_MEMORY):
        hint = "use a smaller batch_size or fewer particles"
        message = f"there is not enough memory for {place.node if place else file}"
        return RunFailure("E0810", message, hint=hint, place=place.at if place else "")
    if place is None:
        return RunFailure("E0809", f"the generated code failed at {file}: {what}")
    message = f"the code of node `{place.node}` ({file}) failed: {what}"
    return RunFailure("E0809", message, place=place.at)
