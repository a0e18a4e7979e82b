"""Files that are whole or absent: written beside, synced, renamed into place.

And files that are read: regular ones alone. A link in a run folder would lead out of it, a FIFO or
a device would make a reader wait, so that none of them is opened.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
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
        _place(beside, path, data, beside.replace)


def deliver(path: Path, data: bytes, *, anew: bool = False) -> None:
    """Puts `data` where a user names a file: a link is followed, and a device or a FIFO written to.

    A regular file is replaced by one step, or not at all, and keeps its permissions. With `anew`
    there must be none yet. Raises OSError, FileExistsError among them.
    """
    if is_stream(path):
        # Not truncated, not created, and never replaced by a file.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "wb") as stream:
            stream.write(data)
        return
    path = path.resolve()
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
    if anew:
        _place(beside, path, data, lambda target: _link(beside, target))
    else:
        _place(beside, path, data, beside.replace)


def is_stream(path: Path) -> bool:
    """Whether there is a device or a FIFO, behind links too; raises OSError for a block device."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a block device")
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _place(beside: Path, path: Path, data: bytes, move: Callable[[Path], object]) -> None:
    """Writes and syncs the file `beside`, which then takes the place of `path`."""
    try:
        with own(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            file.write(data)
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            os.fsync(file.fileno())
        move(path)
    except BaseException:
        beside.unlink(missing_ok=True)  # a full disk gets its room back
        raise
    sync_folder(path.parent)


def _link(beside: Path, path: Path) -> None:
    """Gives a file a name that no other file has; raises FileExistsError where one has it."""
    try:
        os.link(beside, path)
    except PermissionError as error:  # a file system without hard links
        if path.exists() or path.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        beside.rename(path)
        return
    beside.unlink()


def own(path: Path, flags: int) -> IO[bytes]:
    """Opens a regular file to write; raises OSError where it is a link, or something else."""
    mode = "ab" if flags & os.O_APPEND else "wb"
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags, 0o666)
    what = kind_of(os.fstat(handle).st_mode)
    if what:
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {what}, not a regular file")
    return os.fdopen(handle, mode)


def write_json(path: Path, value: object) -> None:
    """Puts `value` at `path` as indented JSON."""
    write(path, (to_json(value, indent=2) + "\n").encode())


def to_json(value: object, indent: int | None = None) -> str:
    """The value as JSON, in which numbers that are not finite are null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def exact_json(value: object) -> str:
    """The value as JSON in which every float is itself, those that are not finite too."""
    return json.dumps(value)


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
    return parsed(read(path))


def parsed(data: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """The value of a JSON text, all of which can be written as UTF-8; raises ValueError."""
    try:
        value = json.loads(data.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it has a surrogate, which is no character") from error
    return value


def read(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file of at most so many.

    Raises OSError, where it is a link too; ValueError for one that is not regular or larger.
    """
    with regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most >> 20} MiB")
    return data


@contextmanager
def regular(path: Path) -> Iterator[BufferedReader]:
    """A regular file, open to be read; nothing else is followed, waited for, or read.

    Raises OSError, where it is a link too, and ValueError where it is a FIFO, a device, a folder.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    handle = os.open(path, flags)
    what = kind_of(os.fstat(handle).st_mode)
    if what:
        os.close(handle)
        raise ValueError(f"it is {what}, not a regular file")
    with os.fdopen(handle, "rb") as file:
        yield file


KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def kind_of(mode: int) -> str:
    """What a file is, in words, where it is not a regular one."""
    return next((words for has, words in KINDS if has(mode)), "")


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
    with regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
