"""metrics.jsonl: one line for each epoch, and the hash of the lines up to a checkpoint.

A run that resumes from a checkpoint drops the lines after it and verifies those before it. Reading
ends at a line that is incomplete or does not fit its schema.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specc.engine.storage import file_io, record_schemas
from specc.engine.storage.record_schemas import Line, Logged
from specc.runtime.failure import RunFailure

NAME = "metrics.jsonl"
LARGEST = 1 << 30
"""Bytes of metrics.jsonl."""


class MetricsLog:
    """The lines of a run so far, and their file."""

    def __init__(self, folder: Path, known: Logged | None, *, writes: bool) -> None:
        """Reads the lines up to a checkpoint; none if there is no checkpoint.

        If it `writes`, later lines are removed from the file. Raises RunFailure: E0803 if the lines
        differ from those that were written, E0811 if the file cannot be written.
        """
        self._path = folder / NAME
        known_bytes = b"" if known is None else known_part(folder, known)
        self.lines: list[dict[str, Any]] = [dict(line) for line in _parsed(known_bytes)]
        self._hash = hashlib.sha256(known_bytes)
        self._count = known_bytes.count(b"\n")
        if writes:
            file_io.write(self._path, known_bytes)

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds a line. Raises RunFailure: E0811, if it cannot be written."""
        data = (file_io.to_json(line) + "\n").encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with file_io.writing(self._path), file_io.open_regular(self._path, flags) as file:
            file.write(data)
        self._hash.update(data)
        self._count += 1

    def state(self) -> dict[str, Any]:
        """The number and the hash of the lines, as a checkpoint stores them."""
        return {"lines": self._count, "sha256": self._hash.hexdigest()}

    def sync(self) -> None:
        """Syncs the lines to disk, before a checkpoint stores their hash.

        Raises RunFailure: E0811, if that fails.
        """
        with file_io.writing(self._path), file_io.open_regular(self._path, os.O_WRONLY) as file:
            os.fsync(file.fileno())


NOTHING = {"lines": 0, "sha256": hashlib.sha256().hexdigest()}
"""The state of a log without lines."""


def known_part(folder: Path, known: Logged) -> bytes:
    """The bytes of the lines up to a checkpoint.

    Raises RunFailure: E0803, if they differ from those that were written.
    """
    lines = _read(folder).split(b"\n")
    complete, count = lines[:-1], known["lines"]
    known_bytes = b"".join(line + b"\n" for line in complete[:count])
    if len(complete) < count:
        raise _damaged(folder, f"it has {len(complete)} of {count} lines")
    if hashlib.sha256(known_bytes).hexdigest() != known["sha256"]:
        raise _damaged(folder, "its content differs from what was written")
    return known_bytes


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, up to one that is incomplete.

    Raises RunFailure: E0803, if the file cannot be read.
    """
    return [dict(line) for line in _parsed(_read(folder))]


def _read(folder: Path) -> bytes:
    try:
        return file_io.read(folder / NAME, LARGEST)
    except FileNotFoundError:
        return b""
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from error


def _parsed(data: bytes) -> list[Line]:
    found: list[Line] = []
    for text in data.split(b"\n"):
        try:
            found.append(record_schemas.checked(Line, file_io.parsed(text)))
        except ValueError:
            break
    return found


def _damaged(folder: Path, problem: str) -> RunFailure:
    hint = "restore it from a copy, or start from the weights: `specc train SPEC --from RUN`"
    return RunFailure("E0803", f"{folder / NAME} is damaged: {problem}", hint=hint)
