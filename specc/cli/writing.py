"""Writing files atomically, and only to the paths that the user names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from specc.cli.failure import Failure, reason
from specc.engine.storage import file_io as disk

STDOUT = "-"
"""The value of `--out` that means standard output, for formats that are text."""


def write_file(path: Path, text: str) -> None:
    """Write `text` to `path`, which the user named; see `write_bytes`. Raises `Failure`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, which the user named: a symbolic link there is followed.

    The data go to a new file beside it, which replaces it once it is synced to disk, so that a full
    disk or an interruption leaves the old file unchanged, or no file. A device or a FIFO is written
    to and not replaced. Raises `Failure`.
    """
    try:
        disk.deliver(path, data)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {reason(error)}") from error


def write_new_file(path: Path, text: str) -> None:
    """Write `text` to a file that must not exist yet; raises `FileExistsError`, `Failure`."""
    try:
        disk.deliver(path, text.encode("utf-8"), anew=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise Failure(f"{path} cannot be written: {reason(error)}") from error


def is_stream(path: Path) -> bool:
    """Whether `path` is a device or a FIFO, which has no ending that names a format."""
    try:
        return disk.is_stream(path)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {reason(error)}") from error


def write_folder(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Write `files`, by their relative names, below `folder`; return the names that changed.

    Nothing is written outside the folder: names that lead out of it are refused, and so are
    symbolic links inside it. Raises `Failure`.
    """
    places = {name: _place(folder, name) for name in files}
    changed = [name for name, path in places.items() if content(path) != files[name]]
    for name in changed:
        path = places[name]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            disk.deliver(path, files[name].encode("utf-8"))
        except OSError as error:
            raise Failure(f"{path} cannot be written: {reason(error)}") from error
    return tuple(changed)


def remove(path: Path) -> None:
    """Remove a file that specc wrote. Raises `Failure`."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(f"{path} cannot be removed: {reason(error)}") from error


def content(path: Path) -> str | None:
    """The text of a file with its line endings, or None if it is missing or not UTF-8."""
    try:
        return disk.read(path).decode("utf-8")
    except (OSError, ValueError):
        return None


def _place(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`; refuses a link on the way, or a device or FIFO at the end."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file below a folder")
    path = folder
    for part in parts:
        path = path / part
        what = _kind(path)
        if what not in ("", "a folder"):
            hint = "remove it, or choose another folder with --out"
            raise Failure(f"{path} is {what}, and specc writes only regular files", hint)
    return path


def _kind(path: Path) -> str:
    """The kind of file at `path`, or "" if it is a regular file or missing."""
    try:
        return disk.kind_of(path.lstat().st_mode)
    except OSError:
        return ""
