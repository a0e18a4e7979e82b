"""Files that a verb writes: whole or not at all, and only where the user said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from specc.cli.failure import Failure, reason
from specc.engine import files as disk

STDOUT = "-"
"""What `--out` has for the standard output, where the format is text."""


def write_file(path: Path, text: str) -> None:
    """Write `text` to `path`, a name the user gave; see `write_bytes`. Raises `Failure`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, a name the user gave: a symbolic link there is followed.

    The data go to a new file beside it, which takes its place once it is on the disk, so that a
    full disk or an interruption leaves the old file as it was, or none. A device or a FIFO is
    written to, and stays what it is. Raises `Failure`.
    """
    try:
        disk.deliver(path, data)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {reason(error)}") from error


def write_new_file(path: Path, text: str) -> None:
    """Write `text` to a file that must not be there yet; raises `FileExistsError`, `Failure`."""
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

    Nothing is ever written outside: names that would leave the folder are refused, and so are
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


def content(path: Path) -> str | None:
    """The text of a file, line endings as they are, or None where there is no such text."""
    try:
        return disk.read(path).decode("utf-8")
    except (OSError, ValueError):
        return None


def _place(folder: Path, name: str) -> Path:
    """Where `name` is below `folder`, with no link on the way, and no device or FIFO at its end."""
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
    """What is there, if it is no regular file."""
    try:
        return disk.kind_of(path.lstat().st_mode)
    except OSError:
        return ""
