"""Files that are whole or absent: written beside, synced, renamed into place."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from specc.runtime.failure import RunFailure

LARGEST = 64 << 20
"""Bytes of a file of JSON or text in a run folder."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says what could not be written, and why, where the system refuses.

    Raises RunFailure: E0811 for a full disk, a read-only folder and the like.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "make room, or choose another folder with `--out`"
        raise RunFailure("E0811", f"{path} cannot be written: {reason}", hint=hint) from error


def write(path: Path, data: bytes) -> None:
    """Puts `data` at `path`, so that a reader finds either the old file or the new one.

    Raises RunFailure: E0811, where the system refuses.
    """
    beside = path.with_name(f".{path.name}.partial")
    with writing(path):
        beside.unlink(missing_ok=True)
        try:
            with own(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)  # a full disk gets its room back
            raise
        sync_folder(path.parent)


def own(path: Path, flags: int) -> IO[bytes]:
    """Opens a file that is no link to one elsewhere; raises OSError where it is one."""
    mode = "ab" if flags & os.O_APPEND else "wb"
    return os.fdopen(os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), mode)


def write_json(path: Path, value: object) -> None:
    """Puts `value` at `path` as indented JSON."""
    write(path, (to_json(value, indent=2) + "\n").encode())


def to_json(value: object, indent: int | None = None) -> str:
    """The value as JSON, in which numbers that are not finite are null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON is anything
    """The value of a JSON file; raises OSError or ValueError."""
    try:
        return json.loads(read(path).decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read(path: Path) -> bytes:
    """The bytes of a small file; raises OSError, and ValueError for one that is not small."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
    return data


def write_folder(
    folder: Path,
    fill: Callable[[Path], None],
    once: Callable[[Callable[[], None]], None] = lambda action: action(),
) -> None:
    """Makes `folder` with what `fill` writes into it, so that it is there as a whole or not at all.

    Several processes may fill it together, where `once` lets one of them act for all.

    Raises RunFailure: E0811, where the system refuses.
    """
    beside = folder.with_name(f".{folder.name}.partial")
    with writing(folder):
        once(lambda: _begin(beside))
        try:
            fill(beside)
            once(lambda: _finish(beside, folder))
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)  # a full disk gets its room back
            raise


def _begin(beside: Path) -> None:
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)


def _finish(beside: Path, folder: Path) -> None:
    _sync(beside)
    beside.rename(folder)
    sync_folder(folder.parent)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder as durable as the files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
