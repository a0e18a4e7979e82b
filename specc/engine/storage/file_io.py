"""Atomic writes and safe reads of files.

A file is written beside its place, synced and renamed, so it is complete or absent. Only regular
files are read: a link in a run folder can lead out of it, and a FIFO or a device can block.
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
    """A context that turns an OSError into a failure with the path and the reason.

    Raises RunFailure: E0811, for a full disk, a read-only folder and similar errors.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "make room, or choose another folder with `--out`"
        raise RunFailure("E0811", f"{path} cannot be written: {reason}", hint=hint) from error


def write(path: Path, data: bytes) -> None:
    """Writes `data` to `path` atomically: a reader finds the old file or the new one.

    Raises RunFailure: E0811, if the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.partial")
    with writing(path):
        beside.unlink(missing_ok=True)
        _place(beside, path, data, beside.replace)


def deliver(path: Path, data: bytes, *, anew: bool = False) -> None:
    """Writes `data` to a path given by the user; follows links, and writes to devices and FIFOs.

    A regular file is replaced atomically and keeps its permissions. With `anew` the file must not
    exist. Raises OSError, including FileExistsError.
    """
    if is_stream(path):
        # Opened without truncating or creating, and never replaced by a regular file.
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
    """Whether the path, after links, is a device or a FIFO; raises OSError for a block device."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a block device")
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _place(beside: Path, path: Path, data: bytes, move: Callable[[Path], object]) -> None:
    """Writes and syncs the temporary file `beside`, and moves it to `path`."""
    try:
        with open_regular(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            file.write(data)
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            os.fsync(file.fileno())
        move(path)
    except BaseException:
        beside.unlink(missing_ok=True)  # frees the space on a full disk
        raise
    sync_folder(path.parent)


def _link(beside: Path, path: Path) -> None:
    """Renames a file; raises FileExistsError if there is a file at the new path."""
    try:
        os.link(beside, path)
    except PermissionError as error:  # a file system without hard links
        if path.exists() or path.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        beside.rename(path)
        return
    beside.unlink()


def open_regular(path: Path, flags: int) -> IO[bytes]:
    """Opens a regular file for writing; raises OSError if it is a link or not regular."""
    mode = "ab" if flags & os.O_APPEND else "wb"
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags, 0o666)
    what = kind_of(os.fstat(handle).st_mode)
    if what:
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {what}, not a regular file")
    return os.fdopen(handle, mode)


def write_json(path: Path, value: object) -> None:
    """Writes `value` to `path` as indented JSON."""
    write(path, (to_json(value, indent=2) + "\n").encode())


def to_json(value: object, indent: int | None = None) -> str:
    """The value as JSON; numbers that are not finite become null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def exact_json(value: object) -> str:
    """The value as JSON with NaN and infinities."""
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
    """The value of a JSON text; raises ValueError, also for text that UTF-8 cannot encode."""
    try:
        value = json.loads(data.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it has a surrogate, which is no character") from error
    return value


def read(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file.

    Raises OSError, also if it is a link; ValueError if it is not regular or has over `most` bytes.
    """
    with read_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most >> 20} MiB")
    return data


@contextmanager
def read_regular(path: Path) -> Iterator[BufferedReader]:
    """A context with a regular file, open for reading.

    Raises OSError, also if it is a link, and ValueError if it is a FIFO, a device or a folder.
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
    """The kind of a file that is not regular, such as `a FIFO`; "" for a regular file."""
    return next((words for has, words in KINDS if has(mode)), "")


def write_folder(
    folder: Path,
    fill: Callable[[Path], None],
    once: Callable[[Callable[[], None]], None] = lambda action: action(),
) -> None:
    """Creates `folder` atomically, with the files that `fill` writes.

    Several processes may fill it together, if `once` lets one of them act for all.

    Raises RunFailure: E0811, if it cannot be written.
    """
    beside = folder.with_name(f".{folder.name}.partial")
    with writing(folder):
        once(lambda: _begin(beside))
        try:
            fill(beside)
            once(lambda: _finish(beside, folder))
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)  # frees the space on a full disk
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
    """Syncs the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with read_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
