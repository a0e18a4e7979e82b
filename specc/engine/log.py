"""metrics.jsonl: a line an epoch, and the hash by which a checkpoint knows the lines before it.

A run that goes on from a checkpoint drops the lines after it, and those before it must be the ones
that were written. A line that was cut off while it was written, or is of another form, ends what is
read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specc.engine import files, forms
from specc.engine.forms import Line, Logged
from specc.runtime.failure import RunFailure

NAME = "metrics.jsonl"
LARGEST = 1 << 30
"""Bytes of metrics.jsonl."""


class Log:
    """The lines of a run so far, and the file that they are added to."""

    def __init__(self, folder: Path, known: Logged | None, *, writes: bool) -> None:
        """Takes up the lines that a checkpoint knows, none of them where there is no checkpoint.

        Where it `writes`, the lines after those are dropped from the file. Raises RunFailure: E0803
        where the file is not what was written, E0811 where it cannot be written.
        """
        self._path = folder / NAME
        kept = b"" if known is None else known_part(folder, known)
        self.lines: list[dict[str, Any]] = [dict(line) for line in _parsed(kept)]
        self._hash = hashlib.sha256(kept)
        self._count = kept.count(b"\n")
        if writes:
            files.write(self._path, kept)

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds a line. Raises RunFailure: E0811, where it cannot be written."""
        data = (files.to_json(line) + "\n").encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with files.writing(self._path), files.own(self._path, flags) as file:
            file.write(data)
        self._hash.update(data)
        self._count += 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint stores of the lines so far."""
        return {"lines": self._count, "sha256": self._hash.hexdigest()}

    def sync(self) -> None:
        """Makes the lines as durable as the checkpoint that is about to know them.

        Raises RunFailure: E0811, where the system refuses.
        """
        with files.writing(self._path), files.own(self._path, os.O_WRONLY) as file:
            os.fsync(file.fileno())


NOTHING = {"lines": 0, "sha256": hashlib.sha256().hexdigest()}
"""What a checkpoint stores where there is no line yet."""


def known_part(folder: Path, known: Logged) -> bytes:
    """The bytes of the lines that a checkpoint knows.

    Raises RunFailure: E0803, where they are not those that were written.
    """
    lines = _read(folder).split(b"\n")
    complete, count = lines[:-1], known["lines"]
    kept = b"".join(line + b"\n" for line in complete[:count])
    if len(complete) < count:
        raise _damaged(folder, f"it has {len(complete)} of {count} lines")
    if hashlib.sha256(kept).hexdigest() != known["sha256"]:
        raise _damaged(folder, "it is not what was written")
    return kept


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; one that was cut off while it was written is left out.

    Raises RunFailure: E0803, where it is no file that can be read.
    """
    return [dict(line) for line in _parsed(_read(folder))]


def _read(folder: Path) -> bytes:
    try:
        return files.read(folder / NAME, LARGEST)
    except FileNotFoundError:
        return b""
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from error


def _parsed(data: bytes) -> list[Line]:
    found: list[Line] = []
    for text in data.split(b"\n"):
        try:
            found.append(forms.checked(Line, files.parsed(text)))
        except ValueError:
            break
    return found


def _damaged(folder: Path, problem: str) -> RunFailure:
    hint = "restore it from a copy, or start from the weights: `specc train SPEC --from RUN`"
    return RunFailure("E0803", f"{folder / NAME} is damaged: {problem}", hint=hint)
