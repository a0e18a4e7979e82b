"""From a line of generated code back to the node and the line of the spec that it came from."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from specc.runtime.failure import RunFailure

NAME = "sourcemap.json"


@dataclass(frozen=True, slots=True)
class Place:
    """A node, as `model.x`, and where the spec declares it, as `vae.yaml:10:3`."""

    node: str
    at: str


@contextmanager
def located(folder: Path) -> Iterator[None]:
    """Names the node and the line of the spec for an exception inside the code of `folder`.

    Exceptions that come from elsewhere, and failures that already speak of the run, pass as they
    are.

    Raises RunFailure: E0809, with the original exception as its cause.
    """
    try:
        yield
    except RunFailure:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        frame = _innermost(e, folder)
        if frame is None:
            raise
        raise _failure(e, frame, place_of(folder, Path(frame.filename).name, frame.lineno)) from e


def place_of(folder: Path, file: str, line: int | None) -> Place | None:
    """What the source map says of a line; the nearest mapped line above it counts too."""
    try:
        lines = json.loads((folder / NAME).read_text(encoding="utf-8"))[file]
        number = max(int(n) for n in lines if line is not None and int(n) <= line)
        return Place(lines[str(number)]["node"], lines[str(number)]["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _innermost(error: BaseException, folder: Path) -> traceback.FrameSummary | None:
    inside = str(folder.resolve())
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if str(Path(f.filename).resolve().parent) == inside]
    return mine[-1] if mine else None


def _failure(
    error: BaseException, frame: traceback.FrameSummary, place: Place | None
) -> RunFailure:
    file = f"{Path(frame.filename).name}:{frame.lineno}"
    first_line = str(error).partition("\n")[0]
    what = f"{type(error).__name__}: {first_line}"
    if "not enough memory" in str(error) or "out of memory" in str(error):
        hint = "take a smaller batch_size or fewer particles"
        message = f"there is not enough memory for {place.node if place else file}"
        return RunFailure("E0810", message, hint=hint, place=place.at if place else "")
    if place is None:
        return RunFailure("E0809", f"the generated code stopped at {file}: {what}")
    message = f"the code of node `{place.node}` ({file}) stopped: {what}"
    return RunFailure("E0809", message, place=place.at)
